import type { Input } from '../contract/input.ts';
import type { VideoFile } from '../media/video-encoder.ts';
import type { Preview, Progress } from '../pipeline/engine-messages.ts';
import type { CallerOptions } from './submission.ts';

export type LogLevel = 'ERROR' | 'WARN' | 'INFO' | 'DEBUG';

export interface ClipRequest {
  readonly id: string;
  readonly owner: string;
  readonly input: Input;
  /** The input's, or the one drawn when the request was accepted: the same in every attempt. */
  readonly seed: number;
  readonly caller: CallerOptions;
}

export interface ClipMakerContext {
  /** An empty folder of this attempt; removed afterwards. The clip is written there. */
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

/**
 * Makes the clip of one request, one at a time: fetches what it names, checks it, runs the model.
 *
 * Throws SoundstageError: `crash` where another attempt may succeed, anything else is final.
 */
export interface ClipMaker extends AsyncDisposable {
  make(request: ClipRequest, context: ClipMakerContext): Promise<MadeClip>;
}
