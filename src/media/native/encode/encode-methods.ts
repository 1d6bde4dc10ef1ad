import type { MediaInfo } from '../../media-info.ts';
import type { VideoEncoderSettings } from '../../video-settings.ts';

/** Names of the files that an encode process writes; the parent deletes them when the clip does not get finished. */
export interface EncodeFiles {
  readonly output: string;
  /** Scratch space for clips that need two passes. */
  readonly spool: string;
}

/** The part of each frame that is taken. */
export interface FrameCrop {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** What an encode process does, for one clip. Calls run in the order they were made. */
export type EncodeMethods = {
  readonly open: { params: { settings: VideoEncoderSettings; files: EncodeFiles }; result: undefined; event: never };
  /** Whole frames, `[frames, height, width, 3]`. */
  readonly write: { params: Uint8Array; result: undefined; event: never };
  /** All frames of a video that was written as `FFV1 (.mkv)`. Result: how many. */
  readonly append: { params: { path: string; crop: FrameCrop }; result: number; event: never };
  /** Completes the file and reads it back. */
  readonly finish: { params: undefined; result: MediaInfo; event: never };
};

/** Takes the frames of a clip one by one and makes a file of them. */
export interface FrameWriter extends AsyncDisposable {
  /** @param rgb One frame, `[height, width, 3]`. */
  write(rgb: Uint8Array): Promise<void>;
  /** Completes and closes the file. */
  finish(): Promise<void>;
}
