/** Takes the frames of a clip one by one and makes a file of them. */
export interface FrameWriter extends AsyncDisposable {
  /** @param rgb One frame, `[height, width, 3]`. */
  write(rgb: Uint8Array): Promise<void>;
  /** Completes and closes the file. */
  finish(): Promise<void>;
}
