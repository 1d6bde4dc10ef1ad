import { elementAt } from '../../src/shared/element-at.ts';
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

/** A rectangle in world coordinates: the shorter side of a picture spans −1…1, y points down. */
export interface Region {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** World units around a shape that its style colors as well: half of an outline, or the glow. */
const margins: Readonly<Record<Style, number>> = { plain: 0.02, ink: 0.04, neon: 0.4 };

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
    const rowLength = this.#size.width * 3;
    for (const [row, y] of this.#y.entries()) {
      const color = this.#groundIn(colorAt(y));
      const part = this.#rgb.subarray(row * rowLength, (row + 1) * rowLength);
      for (let at = 0; at < rowLength; at++) part[at] = elementAt(color, at % 3);
    }
  }

  /**
   * Fills where `distance` is negative; the other styles draw its outline.
   *
   * @param within outside of it `distance` is positive: painting a small part is as much faster
   */
  paint(distance: Distance, color: Rgb, within: Region = everywhere): void {
    const margin = margins[this.#style];
    const [firstRow, endRow] = span(this.#y, within.top - margin, within.bottom + margin);
    const [firstColumn, endColumn] = span(this.#x, within.left - margin, within.right + margin);
    for (let row = firstRow; row < endRow; row++) {
      const y = elementAt(this.#y, row);
      for (let column = firstColumn; column < endColumn; column++) {
        this.#lay((row * this.#size.width + column) * 3, distance(elementAt(this.#x, column), y), color);
      }
    }
  }

  picture(): Picture {
    const rgb = new Uint8Array(this.#rgb.length);
    for (let at = 0; at < rgb.length; at++) rgb[at] = Math.round(elementAt(this.#rgb, at) * 255);
    return { ...this.#size, rgb };
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
      const before = elementAt(this.#rgb, at + axis);
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

const everywhere: Region = {
  left: Number.NEGATIVE_INFINITY,
  right: Number.POSITIVE_INFINITY,
  top: Number.NEGATIVE_INFINITY,
  bottom: Number.POSITIVE_INFINITY,
};

/** The range of indices whose rising values are from `low` to `high`. */
function span(values: Float64Array, low: number, high: number): [first: number, end: number] {
  const first = values.findIndex((value) => value >= low);
  const last = values.findLastIndex((value) => value <= high);
  return first < 0 ? [0, 0] : [first, last + 1];
}

function clamped(value: number): number {
  return Math.min(1, Math.max(0, value));
}
