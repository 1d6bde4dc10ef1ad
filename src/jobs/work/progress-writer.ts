import sharp from 'sharp';
import type { PreviewSheet } from '../../database/json-columns.ts';
import type { Preview, Progress } from '../../pipeline/engine/engine-messages.ts';
import type { ProgressChanges } from '../request/request-progress.ts';

/** Changes that come closer together are written together. */
const flushMilliseconds = 200;

/** Writes how far a clip is, now and then: always the newest, and never twice at a time. */
export class ProgressWriter {
  readonly #write: (changes: ProgressChanges) => Promise<boolean>;
  readonly #onError: (error: unknown) => void;
  #progress: ProgressChanges['progress'] | undefined;
  #preview: ProgressChanges['preview'];
  #changed = false;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(write: (changes: ProgressChanges) => Promise<boolean>, onError: (error: unknown) => void) {
    this.#write = write;
    this.#onError = onError;
  }

  update({ type: _, ...progress }: Progress): void {
    this.#progress = progress;
    this.#schedule();
  }

  async show(preview: Preview): Promise<void> {
    this.#preview = await previewSheet(preview);
    this.#schedule();
  }

  /** Waits for what is being written; the rest is of no use any more. */
  async end(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await this.#writing;
  }

  #schedule(): void {
    this.#changed = true;
    if (this.#ended) return;
    this.#timer ??= setTimeout(() => {
      this.#writing = this.#flush();
    }, flushMilliseconds);
  }

  async #flush(): Promise<void> {
    const { progress, preview } = { progress: this.#progress, preview: this.#preview };
    this.#changed = false;
    this.#preview = undefined;
    try {
      if (progress !== undefined) await this.#write({ progress, preview });
    } catch (error) {
      // The next change brings everything that matters.
      this.#onError(error);
    }
    this.#timer = undefined;
    if (this.#changed) this.#schedule();
  }
}

/** More are left out evenly; a sheet stays small then. */
const maxFrames = 16;
/** Pixels a WebP picture may have on a side. */
const maxSide = 16_383;

/** Puts the frames of a preview below each other into one small picture. */
async function previewSheet({ frames, width, height, rgb, step }: Preview): Promise<PreviewSheet> {
  const count = Math.min(frames, maxFrames, Math.max(1, Math.floor(maxSide / height)));
  const size = width * height * 3;
  const strip = new Uint8Array(count * size);
  for (let index = 0; index < count; index += 1) {
    const frame = count === 1 ? 0 : Math.round((index * (frames - 1)) / (count - 1));
    strip.set(rgb.subarray(frame * size, (frame + 1) * size), index * size);
  }
  const raw = { width, height: height * count, channels: 3 } as const;
  // Lossy pictures share colors between neighboring pixels, which are positions 32 pixels apart, or other frames.
  const picture = await sharp(strip, { raw }).webp({ lossless: true, effort: 2 }).toBuffer();
  return { image: `data:image/webp;base64,${picture.toString('base64')}`, frames: count, width, height, step };
}
