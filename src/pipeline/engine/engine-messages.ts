import type { DeviceKind } from '../../graph/graph-target.ts';
import type { ExpandedPrompt } from '../../ltx2/text/generation/prompt-expansion.ts';
import type { FramesFile } from '../../media/raw/frames-file.ts';
import type { PictureFile } from '../../media/raw/picture-file.ts';
import type { SoundFile } from '../../media/raw/sound-file.ts';
import type { Plan } from '../plan/plan.ts';

/** Decoded media the engine works from, and where it puts sound. */
export interface EngineInputs {
  /** Conditioning sound, stereo. */
  readonly audio: SoundFile;
  readonly firstImage?: PictureFile | undefined;
  readonly endImage?: PictureFile | undefined;
  /** The end of the clip that this one continues; takes the place of a first image. */
  readonly continued?: FramesFile | undefined;
  /** What comes right after the clip. */
  readonly next?: PictureFile | undefined;
  /** What the whole clip is to look like. */
  readonly anchor?: PictureFile | undefined;
  /** Path of the stereo sound that the engine makes, which is there before any frames; unless the recording stays as it is. */
  readonly generatedSound: string;
}

/** What the engine is doing. */
export type Phase = 'load' | 'text' | 'audio' | 'images' | 'denoise' | 'upscale' | 'refine' | 'decode';

export interface Progress {
  readonly type: 'progress';
  readonly phase: Phase;
  /** Steps or tiles done in this phase, of `steps`. */
  readonly step: number;
  readonly steps: number;
  /** Of the whole clip, 0…1. */
  readonly fraction: number;
  /** Since the engine took the plan. */
  readonly seconds: number;
}

/** A cheap look at the clip as the last step sees it: RGB `[frames, height, width, 3]`, one pixel per latent position. */
export interface Preview {
  readonly type: 'preview';
  readonly step: number;
  readonly frames: number;
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** Frames in order: RGB `[k, height, width, 3]`. */
export interface Frames {
  readonly type: 'frames';
  readonly rgb: Uint8Array;
}

/** Something the user should hear about. */
export interface Note {
  readonly type: 'note';
  readonly text: string;
}

export type EngineEvent = Progress | Preview | Frames | Note;

/** Seconds per phase, and what the whole cost. */
export interface EngineReport {
  readonly phases: Readonly<Partial<Record<Phase, number>>>;
  readonly seconds: number;
  /** Of `seconds`, inside the tensor runtime. */
  readonly runtimeSeconds: number;
  /** Largest resident set of the engine process so far, in bytes. */
  readonly peakMemory: number;
}

export interface ExpansionRequest {
  readonly plan: Plan;
  readonly inputs: EngineInputs;
  /** For the language model to look at. */
  readonly image?: PictureFile | undefined;
}

export type EngineMethods = {
  generate: {
    params: { readonly plan: Plan; readonly inputs: EngineInputs; readonly previews: boolean };
    result: EngineReport;
    event: EngineEvent;
  };
  /** A plan's prompt rewritten by the text encoder's language model; undefined where the encoder cannot. */
  expandPrompt: {
    params: ExpansionRequest;
    result: (ExpandedPrompt & { readonly device: DeviceKind }) | undefined;
    event: never;
  };
};
