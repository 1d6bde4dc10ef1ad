import type { Readable } from 'node:stream';
import { SoundstageError } from '../../shared/errors.ts';

/** Bytes as they arrive. It throws when they stop arriving; whoever reads it may stop early. */
export type ByteSource = AsyncIterable<Uint8Array>;

/** Both ends included, as in HTTP. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface WrittenBlob {
  /** Bytes. */
  readonly size: number;
  /** Tells contents apart; without quotes. */
  readonly etag: string;
}

export interface BlobPart extends WrittenBlob {
  readonly partNumber: number;
}

/**
 * Where the bytes of files are kept, by key (32 hex digits). A blob is there whole or not at all; a write that fails
 * leaves nothing behind.
 *
 * @throws SoundstageError `input` (`file_too_large`) past a limit, `device` when there is no space left, `network` when
 *   a remote store cannot be reached
 */
export interface BlobStore extends AsyncDisposable {
  /** Writes what `source` yields; describes it also where it was not stored after all. */
  write(key: string, source: ByteSource, options: WriteOptions): Promise<WrittenBlob>;

  /** Takes over a local file, which is gone afterwards. */
  place(key: string, path: string): Promise<WrittenBlob>;

  /** Undefined: no such blob. */
  read(key: string, range?: ByteRange): Promise<Readable | undefined>;

  /** Does nothing where there is none. */
  remove(key: string): Promise<void>;

  /** Returns the name of the upload. */
  startParts(key: string): Promise<string>;

  /** Part numbers go from 1; a part sent again replaces the earlier one. */
  writePart(key: string, upload: string, partNumber: number, source: ByteSource, limit: number): Promise<WrittenBlob>;

  /** Removes the part that another one of the same number has replaced, where the store has not done that itself. */
  dropPart(upload: string, partNumber: number, etag: string): Promise<void>;

  /** Joins the parts in the order given. */
  completeParts(key: string, upload: string, parts: readonly BlobPart[]): Promise<WrittenBlob>;

  /** Removes the parts of an upload; nothing happens when it is over. */
  abortParts(key: string, upload: string): Promise<void>;

  /** Keys of blobs written before `before`. */
  list(before: Date): AsyncIterable<string>;

  /** Removes what interrupted writes and abandoned uploads left before `before`. */
  sweepUnfinished(before: Date): Promise<void>;

  /**
   * Stores a small file and removes it.
   *
   * @throws Error where that is not possible
   */
  probe(): Promise<void>;
}

export interface WriteOptions {
  /** Bytes. */
  readonly limit: number;
  /** Called when all of it has arrived; where it returns false, the blob is not stored. */
  readonly ready?: (() => Promise<boolean>) | undefined;
}

/** What an uploader is told who comes too late, or with an address that was never given out. */
export function unknownUpload(reason = 'this upload is unknown or over', cause?: unknown): SoundstageError {
  return new SoundstageError('input', `${reason}: start a new one`, { type: 'unknown_upload', cause });
}
