import type { Endpoint } from '../contract/endpoint.ts';
import type { Input } from '../contract/input/input.ts';
import type { CallerOptions } from '../database/json-columns.ts';
import type { VideoFile } from '../media/video-encoder.ts';
import type { Preview, Progress } from '../pipeline/engine/engine-messages.ts';

export type LogLevel = 'ERROR' | 'WARN' | 'INFO' | 'DEBUG';

export interface ClipRequest {
  readonly id: string;
  readonly owner: string;
  readonly endpoint: Endpoint;
  readonly input: Input;
  /** The input's, or the one drawn when the request was accepted: the same in every attempt. */
  readonly seed: number;
  readonly caller: CallerOptions;
}

export interface ClipMakerContext {
  /** An empty folder of this attempt; removed afterwards. Inputs and the clip are written there. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly log: (level: LogLevel, message: string) => void;
  /** How far the clip is. */
  readonly onProgress: (progress: Progress) => void;
  /** What the clip looks like so far. */
  readonly onPreview: (preview: Preview) => Promise<void>;
}

export interface MadeClip {
  /** In the context's folder. */
  readonly file: VideoFile;
  readonly seed: number;
  /** The prompt actually used. */
  readonly prompt: string;
}

/** A clip that can be made: what it needs is on this machine until this is disposed. */
export interface PreparedClip extends AsyncDisposable {
  /** Runs the model, for one clip at a time. May be called again after a `crash`. */
  make(): Promise<MadeClip>;
}

/**
 * Makes the clips of requests, in two steps, so that the model does not wait for the network.
 *
 * Both throw SoundstageError: `crash` where another attempt may succeed; `device`, `network` and `weights` where the
 * machine may be at fault; anything else is final.
 */
export interface ClipMaker extends AsyncDisposable {
  /** Checks a request and fetches what it names; of several requests at a time. */
  prepare(request: ClipRequest, context: ClipMakerContext): Promise<PreparedClip>;
  /**
   * Tries whether the model can run here, while it makes no clip.
   *
   * @throws Error while it cannot
   */
  probe(): Promise<void>;
}
