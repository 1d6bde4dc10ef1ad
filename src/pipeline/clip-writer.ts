import type { MediaService } from '../media/media-service.ts';
import type { VideoEncoder, VideoFile } from '../media/video-encoder.ts';
import type { VideoEncoderSettings } from '../media/video-settings.ts';
import { FrameQueue } from './frame-queue.ts';

/** The decoder network delivers frames in bursts, which wait here while it works on the next tiles. */
const queuedBytes = 128 * 2 ** 20;

/** Writes the engine's frames to the clip's file. Finish it, or dispose of it to leave no file. */
export class ClipWriter implements AsyncDisposable {
  readonly #encoder: VideoEncoder;
  readonly #queue: FrameQueue;

  private constructor(encoder: VideoEncoder) {
    this.#encoder = encoder;
    this.#queue = new FrameQueue(queuedBytes, (frames) => encoder.write(frames));
  }

  /** Starts the file, with the clip's own settings and sound: what cannot be encoded fails here, before the clip is made. */
  static async open(
    media: MediaService,
    settings: VideoEncoderSettings,
    signal: AbortSignal | undefined,
  ): Promise<ClipWriter> {
    return new ClipWriter(await media.openEncoder(settings, signal));
  }

  /** Takes RGB frames; resolves when there is room for more. */
  write(frames: Uint8Array): Promise<void> {
    return this.#queue.add(frames);
  }

  async finish(): Promise<VideoFile> {
    await this.#queue.drain();
    return await this.#encoder.finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#encoder.abort();
  }
}
