import type { Picture } from '../footage.ts';
import type { Rgb } from './colors.ts';

export type Style = 'plain' | 'ink' | 'neon';

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** Magnification, and the world point in the middle of the picture. */
export interface Camera {
  readonly zoom: number;
  readonly x: number;
  readonly y: number;
}

export const stillCamera: Camera = { zoom: 1, x: 0, y: 0 };

/** A signed distance at a point of the world. */
export type Distance = (x: number, y: number) => number;

/** One picture, painted in layers. World coordinates: its shorter side spans −1…1, y points down. */
export class Canvas {
  readonly #size: PictureSize;
  readonly #style: Style;
  readonly #x: Float64Array;
  readonly #y: Float64Array;
  /** World units per pixel. */
  readonly #pixel: number;
  /** `[height, width, 3]` in 0…1. */
  readonly #rgb: Float32Array;

  constructor(size: PictureSize, { zoom, x, y }: Camera, style: Style) {
    const { width, height } = size;
    const short = Math.min(width, height);
    this.#size = size;
    this.#style = style;
    this.#x = Float64Array.from({ length: width }, (_, at) => ((at + 0.5 - width / 2) * 2) / short / zoom + x);
    this.#y = Float64Array.from({ length: height }, (_, at) => ((at + 0.5 - height / 2) * 2) / short / zoom + y);
    this.#pixel = 2 / short / zoom;
    this.#rgb = new Float32Array(width * height * 3);
  }

  /** The ground, by height. */
  fill(colorAt: (y: number) => Rgb): void {
    for (const [row, y] of this.#y.entries()) {
      const color = this.#groundIn(colorAt(y));
      for (let at = row * this.#size.width * 3; at < (row + 1) * this.#size.width * 3; at += 3) {
        this.#rgb.set(color, at);
      }
    }
  }

  /** Fills where `distance` is negative; the other styles draw its outline. */
  paint(distance: Distance, color: Rgb): void {
    let at = 0;
    for (const y of this.#y) {
      for (const x of this.#x) {
        this.#lay(at, distance(x, y), color);
        at += 3;
      }
    }
  }

  picture(): Picture {
    return { ...this.#size, rgb: Uint8Array.from(this.#rgb, (value) => Math.round(value * 255)) };
  }

  #groundIn(color: Rgb): Rgb {
    if (this.#style === 'ink') return [0.97, 0.97, 0.97];
    if (this.#style === 'neon') return [0.08 * color[0] + 0.01, 0.08 * color[1] + 0.01, 0.08 * color[2] + 0.03];
    return color;
  }

  #lay(at: number, distance: number, color: Rgb): void {
    const inside = clamped(0.5 - distance / this.#pixel);
    if (this.#style === 'plain' && inside === 0) return;
    const line = clamped(1 - Math.max(0, Math.abs(distance) - 0.012) / this.#pixel);
    const glow = Math.exp(-Math.abs(distance) / 0.05);
    for (const axis of [0, 1, 2] as const) {
      const before = this.#rgb[at + axis] ?? 0;
      this.#rgb[at + axis] = this.#blended(before, color[axis], inside, line, glow);
    }
  }

  #blended(before: number, color: number, inside: number, line: number, glow: number): number {
    if (this.#style === 'plain') return before + (color - before) * inside;
    if (this.#style === 'neon') return clamped(before * (1 - 0.85 * inside) + glow * color + 0.6 * line);
    const paper = before + (0.97 - before) * inside;
    return paper + (0.05 - paper) * line;
  }
}

function clamped(value: number): number {
  return Math.min(1, Math.max(0, value));
}
