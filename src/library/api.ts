// What `import 'soundstage'` is made of, in types that stand for themselves: what they say is a promise to other people's code.
// test/package/exported-types.txt shows all of it at once.

import type { ClipInput, FilmInput } from './clip-input.ts';

export type { ClipInput, FilmInput } from './clip-input.ts';

export interface SoundstageOptions {
  /** Weights: an id of `soundstage models list`, or a folder of your own. Default `nano`, the miniature that comes along. */
  readonly model?: string | undefined;
  /** Where the model runs. Default `auto`: the best device that works. */
  readonly device?: 'auto' | 'cpu' | 'cuda' | 'webgpu' | undefined;
  /** The GPU to use, as CUDA_VISIBLE_DEVICES names it. Default: the first. */
  readonly gpu?: string | undefined;
  /** Gigabytes (2³⁰ bytes) of the GPU's memory that may be used. Default: what is free. */
  readonly gpuMemory?: number | undefined;
  /**
   * `int8` rounds the transformer's layers to eight bits on the CPU: faster, and a little less exact. Default `exact`. The rounded
   * weights are kept in the user's cache folder.
   */
  readonly precision?: 'exact' | 'int8' | undefined;
  /** Picture model of the safety checker: `auto` (default), `embedded`, `hub`, or a folder. */
  readonly safetyModel?: string | undefined;
  /** Stops the search for a device. */
  readonly signal?: AbortSignal | undefined;
}

/** A model that makes clips, one after another. Dispose of it to end its processes; a program does not end before that. */
export interface Soundstage extends AsyncDisposable {
  /** The device that was chosen. */
  readonly device: 'cpu' | 'cuda' | 'webgpu';
  /** Why it is not a better one, or not used as it could be. */
  readonly notes: readonly string[];
  /**
   * Makes a clip. Leaves either the finished file or none.
   *
   * @throws SoundstageError `input` with the `field` at fault, `weights`, `device`, `crash`, `cancelled`
   */
  generate(input: ClipInput, options?: GenerateOptions): Promise<Clip>;
  /**
   * Makes a film as long as its recording, part after part. Parts are kept in a folder beside it, so that the same call goes
   * on where another one was broken off, and makes nothing that is there.
   *
   * @throws SoundstageError as `generate`; where a part is refused, `field` begins with its place, e.g. `parts.2`
   */
  film(input: FilmInput, options?: FilmOptions): Promise<Film>;
  /** The parts that a film would have, as an input to `film`, and what they take. Makes nothing. */
  planFilm(input: FilmInput, options?: Pick<FilmOptions, 'output' | 'signal'>): Promise<FilmPlan>;
}

export interface GenerateOptions {
  /** Path of the clip, whose extension decides its type. Default: `clip.mp4` in the working folder, or as `video_output_type` says. */
  readonly output?: string | undefined;
  /** Cancels the clip, which then fails with `cancelled`. */
  readonly signal?: AbortSignal | undefined;
  /** Told of every step. */
  readonly onProgress?: ((progress: ClipProgress) => void) | undefined;
  /** Shown the clip as it takes shape, after every step; the model waits for a promise it returns. */
  readonly onPreview?: ((preview: ClipPreview) => void | Promise<void>) | undefined;
  /** Told, in a sentence, of what is not quite as it was asked for. */
  readonly onNote?: ((note: string) => void) | undefined;
}

export interface FilmOptions extends Omit<GenerateOptions, 'onProgress'> {
  /** Makes a part of a film again, counted from 1, with this seed or another one. */
  readonly redo?: { readonly part: number; readonly seed?: number | undefined } | undefined;
  /** Makes nothing, and joins the parts that are there, up to the first that is missing. */
  readonly soFar?: boolean | undefined;
  /** Whether parts stay once the film is there. Default: yes. */
  readonly keepParts?: boolean | undefined;
  /** Told what the film takes, before anything is made. */
  readonly onPlan?: ((plan: FilmPlan) => void) | undefined;
  /** Told of every step. */
  readonly onProgress?: ((progress: FilmProgress) => void) | undefined;
}

/** A film of which everything is decided. */
export type FilmScore = FilmInput & Required<Pick<FilmInput, 'parts' | 'seed'>>;

export interface FilmPlan {
  readonly score: FilmScore;
  readonly frames: number;
  /** US dollars at the price of the endpoint for clips. */
  readonly price: number;
  /** Bytes that the parts take on disk at most. */
  readonly maxBytes: number;
  /** Seconds of work that are left, from what parts took so far; undefined where none is made yet. */
  readonly seconds: number | undefined;
}

export interface FilmProgress {
  /** The part that is being made, from 1; one more than there are while they are joined. */
  readonly part: number;
  readonly parts: number;
  readonly phase: ClipPhase | 'join';
  /** Of the whole film, 0 to 1. */
  readonly fraction: number;
  /** From what parts took so far; undefined where none is made yet. */
  readonly secondsLeft: number | undefined;
}

export interface Film {
  readonly file: ClipFile;
  readonly score: FilmScore;
  /** Those in the file, with the prompt as the model was given it and the seconds that each took. */
  readonly parts: readonly { readonly prompt: string; readonly seconds: number }[];
  /** Parts that this call has made. */
  readonly made: number;
}

export type ClipPhase = 'load' | 'text' | 'audio' | 'images' | 'denoise' | 'upscale' | 'refine' | 'decode';

export interface ClipProgress {
  readonly phase: ClipPhase;
  /** Steps done in this phase, of `steps`. */
  readonly step: number;
  readonly steps: number;
  /** Of the whole clip, 0 to 1. */
  readonly fraction: number;
  /** Since the model began with it. */
  readonly seconds: number;
}

/** A small picture of every few frames. */
export interface ClipPreview {
  readonly step: number;
  readonly frames: number;
  readonly width: number;
  readonly height: number;
  /** RGB, `[frames, height, width, 3]`. */
  readonly rgb: Uint8Array;
}

export interface Clip {
  readonly file: ClipFile;
  /** With it and the same input, the CPU makes the same clip again. */
  readonly seed: number;
  /** As the model was given it, after expansion. */
  readonly prompt: string;
  readonly timings: ClipTimings;
  /** Bytes of memory the engine's process had at most so far. */
  readonly peakMemory: number;
}

/** A finished video file, as measured on the file itself. */
export interface ClipFile {
  /** Absolute. */
  readonly path: string;
  /** MIME type. */
  readonly contentType: string;
  /** Bytes. */
  readonly fileSize: number;
  readonly width: number;
  readonly height: number;
  /** Frames per second. */
  readonly fps: number;
  readonly frames: number;
  /** Seconds of picture. */
  readonly duration: number;
}

/** Seconds. */
export interface ClipTimings {
  /** From the clip's turn to the finished file. */
  readonly total: number;
  /** Of that, inside of ONNX Runtime. */
  readonly runtime: number;
  readonly phases: Readonly<Partial<Record<ClipPhase, number>>>;
}
