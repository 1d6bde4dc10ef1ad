import { rename, rm } from 'node:fs/promises';
import { cancelled } from '../shared/cancellation.ts';
import { SoundstageError } from '../shared/errors.ts';
import type { MediaInfo, Rational } from './media-info.ts';
import type { EncodeFiles, EncodeMethods, FrameCrop } from './native/encode/encode-methods.ts';
import { GuardedChild } from './process/guarded-child.ts';
import { type VideoEncoderSettings, videoFormat } from './video-settings.ts';

/** A finished video file; every number is measured on the file itself. */
export interface VideoFile {
  readonly path: string;
  /** MIME type */
  readonly contentType: string;
  /** Bytes */
  readonly fileSize: number;
  readonly width: number;
  readonly height: number;
  readonly fps: Rational;
  readonly frames: number;
  /** Seconds of picture. */
  readonly duration: number;
}

export interface VideoEncoderOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once when the encoder has finished or failed. */
  readonly onClose?: ((encoder: VideoEncoder) => void) | undefined;
}

/**
 * Where a side of the video is no multiple of 16, x264 goes by memory that it never wrote. With this, glibc hands out all memory as
 * zeros, as a new process finds it, and equal frames give equal bytes.
 */
const clearedMemory = { MALLOC_PERTURB_: '255' };
/** Batches that may be on their way while the caller makes the next one. */
const batchesInFlight = 2;
/** Small messages travel several times faster than large ones. */
const messageBytes = 2 ** 20;
const openTimeLimit = 60_000;
/** For one message of frames; the slowest setting takes seconds for a large frame. */
const writeTimeLimit = 10 * 60_000;
/** For all frames of a stored video. */
const appendTimeLimit = 4 * 60 * 60_000;
/** Encoders look ahead, and a GIF is made at the end. */
const finishTimeLimit = 60 * 60_000;
const memoryLimit = 8 * 2 ** 30;

/**
 * Writes one video file, in a process of its own. Await each `write`: it returns once at most one batch is waiting, so
 * a batch is encoded while the next one is made. Finish, or dispose to give up: then no file remains.
 */
export class VideoEncoder implements AsyncDisposable {
  readonly #settings: VideoEncoderSettings;
  readonly #options: VideoEncoderOptions;
  readonly #files: EncodeFiles;
  readonly #child: GuardedChild<EncodeMethods>;
  readonly #batches: Promise<void>[] = [];
  readonly #onSignal = (): void => this.#cancel();
  #failure: unknown;
  #closing: Promise<void> | undefined;

  /** Use `MediaService.openEncoder`. */
  constructor(settings: VideoEncoderSettings, options: VideoEncoderOptions = {}) {
    this.#settings = settings;
    this.#options = options;
    this.#files = { output: `${settings.path}.partial`, spool: `${settings.path}.spool.partial` };
    this.#child = new GuardedChild({
      module: new URL('./native/encode/encode-process.ts', import.meta.url),
      title: 'the video encoder',
      memoryLimit,
      env: () => clearedMemory,
    });
  }

  /** Of the process that encodes. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Starts the process and the file; `MediaService.openEncoder` has done so. */
  async start(): Promise<void> {
    const { signal } = this.#options;
    signal?.addEventListener('abort', this.#onSignal, { once: true });
    if (signal?.aborted) this.#cancel();
    await this.#closeOnError(() =>
      this.#child.call('open', { settings: this.#settings, files: this.#files }, { timeLimit: openTimeLimit }),
    );
  }

  /**
   * Takes the next frames; the array may be reused at once.
   *
   * @param frames One or more RGB frames, `[frames, height, width, 3]`.
   * @throws SoundstageError `device` when the disk is full, `cancelled`, `crash`; also for an earlier batch
   */
  async write(frames: Uint8Array): Promise<void> {
    const frameBytes = this.#settings.width * this.#settings.height * 3;
    if (frames.length === 0 || frames.length % frameBytes !== 0) {
      throw new RangeError(`${frames.length} bytes are not whole frames of ${frameBytes} bytes`);
    }
    await this.#closeOnError(async () => {
      this.#throwIfClosed();
      const batch = this.#send(frames, Math.max(1, Math.floor(messageBytes / frameBytes)) * frameBytes);
      // The failure surfaces in the next call; until then nobody listens to this promise.
      batch.catch((error: unknown) => {
        if (this.#closing === undefined) this.#failure ??= error;
      });
      this.#batches.push(batch);
      if (this.#batches.length >= batchesInFlight) await this.#batches.shift();
    });
  }

  /**
   * Writes all frames of a video that was stored as `FFV1 (.mkv)`, of each the part that has this video's size.
   *
   * @returns how many
   * @throws SoundstageError as `write`
   */
  async append(path: string, crop: FrameCrop): Promise<number> {
    return this.#closeOnError(() => {
      this.#throwIfClosed();
      return this.#child.call('append', { path, crop }, { timeLimit: appendTimeLimit });
    });
  }

  /** Completes the file, puts it in its place, and says what it holds. */
  async finish(): Promise<VideoFile> {
    return this.#closeOnError(async () => {
      this.#throwIfClosed();
      await Promise.all(this.#batches);
      const info = await this.#child.call('finish', undefined, { timeLimit: finishTimeLimit });
      const file = this.#measured(info);
      await rename(this.#files.output, this.#settings.path);
      await this.abort();
      return file;
    });
  }

  /** Ends the encode and deletes what was written; does nothing after `finish`. */
  abort(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.abort();
  }

  async #close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#onSignal);
    await this.#child[Symbol.asyncDispose]();
    await Promise.all(Object.values(this.#files).map((path) => rm(path, { force: true })));
    this.#options.onClose?.(this);
  }

  #cancel(): void {
    this.#failure ??= cancelled();
    // Whoever calls or disposes this encoder next gets the same promise, and with it the error.
    this.abort().catch(() => {});
  }

  async #send(frames: Uint8Array, pieceBytes: number): Promise<void> {
    const pieces: Promise<undefined>[] = [];
    for (let offset = 0; offset < frames.length; offset += pieceBytes) {
      const piece = frames.subarray(offset, offset + pieceBytes);
      pieces.push(this.#child.call('write', piece, { timeLimit: writeTimeLimit }));
    }
    await Promise.all(pieces);
  }

  #measured({ video, fileSize }: MediaInfo): VideoFile {
    if (video === undefined) throw new SoundstageError('crash', 'the video encoder wrote a file without pictures');
    const { width, height, fps, frames, duration } = video;
    const { path, type } = this.#settings;
    return { path, contentType: videoFormat(type).contentType, fileSize, width, height, fps, frames, duration };
  }

  #throwIfClosed(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#closing !== undefined) throw new Error('this video is already finished or aborted');
  }

  async #closeOnError<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      await this.abort();
      throw this.#failure ?? error;
    }
  }
}
