import { rename, rm } from 'node:fs/promises';
import { SoundstageError } from '../shared/errors.ts';
import { GuardedChild } from './guarded-child.ts';
import type { MediaInfo, Rational } from './media-info.ts';
import type { EncodeFiles, EncodeMethods } from './native/encode-methods.ts';
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

/** Batches that may be on their way while the caller makes the next one. */
const batchesInFlight = 2;
/** Small messages travel several times faster than large ones. */
const messageBytes = 2 ** 20;
const openTimeLimit = 60_000;
/** For one message of frames; the slowest setting takes seconds for a large frame. */
const writeTimeLimit = 10 * 60_000;
/** Encoders look ahead, and a GIF is made at the end. */
const finishTimeLimit = 60 * 60_000;
const memoryLimit = 8 * 2 ** 30;

/**
 * Writes one video file, in a process of its own. Await each `write`: it returns once at most two batches are waiting, so
 * a batch is encoded while the next one is made. Finish, or dispose to give up: then no file remains.
 */
export class VideoEncoder implements AsyncDisposable {
  readonly #settings: VideoEncoderSettings;
  readonly #options: VideoEncoderOptions;
  readonly #files: EncodeFiles;
  readonly #child: GuardedChild<EncodeMethods>;
  readonly #batches: Promise<void>[] = [];
  #failure: unknown;
  #closed = false;

  private constructor(settings: VideoEncoderSettings, options: VideoEncoderOptions) {
    this.#settings = settings;
    this.#options = options;
    this.#files = { output: `${settings.path}.partial`, spool: `${settings.path}.spool.partial` };
    this.#child = new GuardedChild({
      module: new URL('./native/encode-process.ts', import.meta.url),
      title: 'the video encoder',
      memoryLimit,
    });
  }

  /** Of the process that encodes. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  static async open(settings: VideoEncoderSettings, options: VideoEncoderOptions = {}): Promise<VideoEncoder> {
    const encoder = new VideoEncoder(settings, options);
    await encoder.#closeOnError(() =>
      encoder.#child.call(
        'open',
        { settings, files: encoder.#files },
        { timeLimit: openTimeLimit, signal: options.signal },
      ),
    );
    return encoder;
  }

  /**
   * Takes the next frames; the array may be reused at once.
   *
   * @param frames One or more RGB frames, `[frames, height, width, 3]`.
   * @throws {SoundstageError} Also for an earlier batch: `device` when the disk is full, `cancelled`, `crash`.
   */
  async write(frames: Uint8Array): Promise<void> {
    const frameBytes = this.#settings.width * this.#settings.height * 3;
    if (frames.length === 0 || frames.length % frameBytes !== 0) {
      throw new RangeError(`${frames.length} bytes are not whole frames of ${frameBytes} bytes`);
    }
    this.#throwIfClosed();
    const batch = this.#send(frames, Math.max(1, Math.floor(messageBytes / frameBytes)) * frameBytes);
    // The failure surfaces in the next call; until then nobody listens to this promise.
    batch.catch((error: unknown) => {
      this.#failure ??= error;
    });
    this.#batches.push(batch);
    if (this.#batches.length >= batchesInFlight) await this.#closeOnError(async () => this.#batches.shift());
  }

  /** Completes the file, puts it in its place, and says what it holds. */
  async finish(): Promise<VideoFile> {
    this.#throwIfClosed();
    return this.#closeOnError(async () => {
      await Promise.all(this.#batches);
      const { signal } = this.#options;
      const info = await this.#child.call('finish', undefined, { timeLimit: finishTimeLimit, signal });
      const file = this.#measured(info);
      await rename(this.#files.output, this.#settings.path);
      await this.abort();
      return file;
    });
  }

  /** Ends the encode and deletes what was written; does nothing after `finish`. */
  async abort(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#child[Symbol.asyncDispose]();
    await Promise.all(Object.values(this.#files).map((path) => rm(path, { force: true })));
    this.#options.onClose?.(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.abort();
  }

  async #send(frames: Uint8Array, pieceBytes: number): Promise<void> {
    const { signal } = this.#options;
    const pieces: Promise<undefined>[] = [];
    for (let offset = 0; offset < frames.length; offset += pieceBytes) {
      const piece = frames.subarray(offset, offset + pieceBytes);
      pieces.push(this.#child.call('write', piece, { timeLimit: writeTimeLimit, signal }));
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
    if (this.#closed) throw new Error('this video is already finished or aborted');
  }

  async #closeOnError<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      await this.abort();
      throw error;
    }
  }
}
