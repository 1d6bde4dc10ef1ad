import type { PictureFile } from '../media/raw/picture-file.ts';

/** Frames of a clip as an inspector sees them. */
export interface InspectedClip {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly fps: number;
}

export interface FrameInspector {
  /** Takes frames in order, RGB `[k, height, width, 3]`; may throw about earlier ones. */
  add(rgb: Uint8Array): Promise<void>;
  /** Resolves when all frames have passed. */
  finish(): Promise<void>;
}

/** Looks at what a clip is made from and what comes out. Whatever it throws ends the clip, and no file is left. */
export interface ClipInspector {
  /** Called with the prompt as given, and again where it was rewritten. */
  checkPrompt(prompt: string): Promise<void>;
  /** Called with the decoded `image` and `end_image`. */
  checkPicture(picture: PictureFile, field: string): Promise<void>;
  /** Called once, before the first frame. */
  watchFrames(clip: InspectedClip): FrameInspector;
}
