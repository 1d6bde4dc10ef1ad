import type { ClipEndpoint } from '../contract/endpoint.ts';
import type { FilmRequest, Score } from '../contract/film/film-schema.ts';
import type { Input } from '../contract/input/input.ts';
import type { CallerOptions } from '../database/json-columns.ts';
import type { VideoFile } from '../media/video-encoder.ts';
import type { Preview, Progress } from '../pipeline/engine/engine-messages.ts';
import type { KnownFilm } from './request/film-rows.ts';

export type LogLevel = 'ERROR' | 'WARN' | 'INFO' | 'DEBUG';

export interface ClipRequest {
  readonly id: string;
  readonly owner: string;
  readonly endpoint: ClipEndpoint;
  readonly input: Input;
  /** The input's, or the one drawn when the request was accepted: the same in every attempt. */
  readonly seed: number;
  readonly caller: CallerOptions;
  /** Of a film, for a clip that is a part of one. */
  readonly part?: PartOfFilm | undefined;
}

export interface PartOfFilm {
  readonly film: KnownFilm;
  /** From 0. */
  readonly index: number;
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

/** A film that is asked for. */
export interface FilmTask extends Pick<ClipRequest, 'owner' | 'caller' | 'seed'> {
  readonly input: FilmRequest;
}

export type FilmContext = Pick<ClipMakerContext, 'folder' | 'signal' | 'log'>;

/** A film before its parts are made. */
export interface PlannedFilm {
  readonly score: Score;
  /** Files in the context's folder. */
  readonly audio: string;
  readonly anchor: string | undefined;
  /** Those that are taken from another film. */
  readonly parts: KnownFilm['parts'];
}

/** What films need besides their parts. Both throw SoundstageError, as a `ClipMaker`. */
export interface FilmMaker {
  /** Decides what the parts of a film are. @param resumed the film that it goes on from */
  plan(task: FilmTask, resumed: KnownFilm | undefined, context: FilmContext): Promise<PlannedFilm>;
  /** Makes one file of parts that are made. */
  join(film: KnownFilm, context: FilmContext): Promise<MadeClip>;
}

/**
 * Makes the clips of requests, in two steps, so that the model does not wait for the network.
 *
 * Both throw SoundstageError: `crash` where another attempt may succeed; `device`, `network` and `weights` where the
 * machine may be at fault; anything else is final.
 */
export interface ClipMaker extends AsyncDisposable {
  /** Absent: it makes no films. */
  readonly films?: FilmMaker | undefined;
  /** Checks a request and fetches what it names; of several requests at a time. */
  prepare(request: ClipRequest, context: ClipMakerContext): Promise<PreparedClip>;
  /**
   * Tries whether the model can run here, while it makes no clip.
   *
   * @throws Error while it cannot
   */
  probe(): Promise<void>;
}
