import type { Picture } from '../../media/raw/picture-file.ts';

export interface WatchedClip {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly fps: number;
}

/** Judges a frame; throws if it is not to be delivered. */
export type FrameCheck = (frame: Picture, index: number) => Promise<void>;

const maxSamples = 16;
/** Samples that may wait for their turn before the producer of the frames has to. */
const maxWaiting = 4;

/** Frames to look at: first, last, and between them about one per second; at most 16, evenly spread. */
export function sampledFrames({ frames, fps }: Pick<WatchedClip, 'frames' | 'fps'>): readonly number[] {
  const count = Math.min(maxSamples, frames, Math.ceil(frames / fps) + 1);
  if (count <= 1) return frames === 0 ? [] : [0];
  return Array.from({ length: count }, (_, index) => Math.round((index * (frames - 1)) / (count - 1)));
}

/** Looks at samples of a clip's frames while they stream by, one at a time, beside whatever else takes them. */
export class FrameWatch {
  readonly #clip: WatchedClip;
  readonly #check: FrameCheck;
  readonly #samples: ReadonlySet<number>;
  #seen = 0;
  #waiting = 0;
  #last: Promise<void>;
  #failure: unknown;

  /** `ready` is awaited before the first check. */
  constructor(clip: WatchedClip, check: FrameCheck, ready: Promise<void>) {
    this.#clip = clip;
    this.#check = check;
    this.#samples = new Set(sampledFrames(clip));
    this.#last = this.#guarded(ready);
  }

  /**
   * Takes the next frames, RGB `[k, height, width, 3]`; waits for checks only when several samples are behind.
   *
   * @throws what the check of an earlier frame threw
   */
  async add(rgb: Uint8Array): Promise<void> {
    const { width, height } = this.#clip;
    const bytes = width * height * 3;
    for (let offset = 0; offset < rgb.length; offset += bytes) {
      const index = this.#seen++;
      if (!this.#samples.has(index)) continue;
      // A copy, so that the rest of the batch is not kept.
      this.#enqueue({ width, height, rgb: new Uint8Array(rgb.subarray(offset, offset + bytes)) }, index);
    }
    if (this.#waiting > maxWaiting) await this.#last;
    this.#throwFailure();
  }

  /**
   * Resolves once every sample has passed.
   *
   * @throws what a check threw
   */
  async finish(): Promise<void> {
    await this.#last;
    this.#throwFailure();
  }

  #enqueue(frame: Picture, index: number): void {
    this.#waiting++;
    this.#last = this.#last.then(async () => {
      if (this.#failure === undefined) await this.#guarded(this.#check(frame, index));
      this.#waiting--;
    });
  }

  /** Keeps a failure for the next call from outside, since nobody awaits a check itself. */
  async #guarded(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#failure ??= error;
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}
