/** A file of this server's own store. */
export interface OwnFile {
  /** Names the content: equal identities mean equal bytes. */
  readonly identity: string;
  /** Bytes. */
  readonly size: number;
  /** Reads it from the store. */
  open(signal: AbortSignal | undefined): Promise<AsyncIterable<Uint8Array>>;
}

/**
 * Finds the own file that a URL means, so that the server need not call itself. Gives undefined for URLs of other
 * servers; throws where the file is gone or not for this caller.
 */
export type FindOwnFile = (url: string) => Promise<OwnFile | undefined>;
