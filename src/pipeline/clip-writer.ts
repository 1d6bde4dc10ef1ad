import type { MediaService } from '../media/media-service.ts';
import type { VideoEncoder, VideoFile } from '../media/video-encoder.ts';
import type { AudioSource, VideoEncoderSettings } from '../media/video-settings.ts';
import { FrameQueue } from './frame-queue.ts';

/** The decoder network delivers frames in bursts, which wait here while it works on the next tiles. */
const queuedBytes = 256 * 2 ** 20;

/** Writes the engine's frames to the clip's file. Finish it, or dispose of it to leave no file. */
export class ClipWriter implements AsyncDisposable {
  readonly #media: MediaService;
  readonly #settings: VideoEncoderSettings;
  readonly #signal: AbortSignal | undefined;
  readonly #queue = new FrameQueue(queuedBytes, (frames) => this.#opened().write(frames));
  #encoder: VideoEncoder | undefined;

  constructor(media: MediaService, settings: VideoEncoderSettings, signal: AbortSignal | undefined) {
    this.#media = media;
    this.#settings = settings;
    this.#signal = signal;
  }

  /** Starts the file; all frames come after. */
  async open(audio: AudioSource): Promise<void> {
    this.#encoder = await this.#media.openEncoder({ ...this.#settings, audio }, this.#signal);
  }

  /** Takes RGB frames; resolves when there is room for more. */
  write(frames: Uint8Array): Promise<void> {
    return this.#queue.add(frames);
  }

  async finish(): Promise<VideoFile> {
    await this.#queue.drain();
    return await this.#opened().finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#encoder?.abort();
  }

  #opened(): VideoEncoder {
    if (this.#encoder === undefined) throw new Error('frames came before the sound was known');
    return this.#encoder;
  }
}
