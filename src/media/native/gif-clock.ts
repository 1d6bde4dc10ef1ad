import type { Rational } from '../media-info.ts';

/** GIF counts time in hundredths of a second. */
export const gifTimeBase: Rational = { num: 1, den: 100 };

/** Picks the frames of a clip that a GIF of a lower rate shows, and spaces them evenly. */
export class GifClock {
  readonly #fps: Rational;
  readonly #gifFps: number;

  constructor(fps: Rational, maxFps: number) {
    this.#fps = fps;
    this.#gifFps = Math.min(fps.num / fps.den, maxFps);
  }

  /** When frame `index` is shown, in hundredths of a second; undefined when it is left out. */
  showTime(index: number): number | undefined {
    const slot = this.#slot(index);
    if (index > 0 && slot === this.#slot(index - 1)) return undefined;
    return Math.round((slot * gifTimeBase.den) / this.#gifFps);
  }

  /** How long a clip of so many frames lasts, in hundredths of a second. */
  length(frames: number): number {
    return Math.round((frames * this.#fps.den * gifTimeBase.den) / this.#fps.num);
  }

  #slot(index: number): number {
    // At the clip's own rate every frame has a slot; rounding must not lose one.
    const slot = (index * this.#fps.den * this.#gifFps) / this.#fps.num;
    return Math.floor(slot + 1e-6);
  }
}
