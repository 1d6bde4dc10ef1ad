/** The sound of a movie, written beside its pictures: it never runs ahead of them, and ends with them. */
export interface AudioTrack extends AsyncDisposable {
  /** Writes what is over by `seconds`. */
  writeUntil(seconds: number): Promise<void>;
  /** Writes the rest, cut at `seconds`. */
  finish(seconds: number): Promise<void>;
}
