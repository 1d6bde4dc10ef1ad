import type { Picture } from '../footage.ts';
import { colorDistance, type Rgb } from '../world/colors.ts';
import { median } from './series.ts';

/** A rectangle in world coordinates: the shorter side of a picture spans −1…1, y points down. */
export interface Region {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** The pixel at an index, in 0…1. */
export function pixelAt({ rgb }: Picture, index: number): Rgb {
  const at = index * 3;
  return [(rgb[at] ?? 0) / 255, (rgb[at + 1] ?? 0) / 255, (rgb[at + 2] ?? 0) / 255];
}

/** Indices of the pixels whose middle lies in a region, row by row. */
export function pixelsIn({ width, height }: Picture, { left, right, top, bottom }: Region): number[] {
  const short = Math.min(width, height);
  const range = (low: number, high: number, length: number): [number, number] => [
    Math.max(0, Math.ceil((low * short) / 2 + length / 2 - 0.5)),
    Math.min(length - 1, Math.floor((high * short) / 2 + length / 2 - 0.5)),
  ];
  const [firstColumn, lastColumn] = range(left, right, width);
  const [firstRow, lastRow] = range(top, bottom, height);
  const found: number[] = [];
  for (let row = firstRow; row <= lastRow; row++) {
    for (let column = firstColumn; column <= lastColumn; column++) found.push(row * width + column);
  }
  return found;
}

/** Half the width of a picture in world units. */
export function worldWidth({ width, height }: Picture): number {
  return width / Math.min(width, height);
}

/** Half the height of a picture in world units. */
export function worldHeight({ width, height }: Picture): number {
  return height / Math.min(width, height);
}

/** The median of each channel; NaN of nothing. */
export function medianColor(pixels: readonly Rgb[]): Rgb {
  const channel = (axis: 0 | 1 | 2): number => median(pixels.map((pixel) => pixel[axis]));
  return [channel(0), channel(1), channel(2)];
}

export function colorIn(picture: Picture, region: Region): Rgb {
  return medianColor(pixelsIn(picture, region).map((index) => pixelAt(picture, index)));
}

/** The name whose color is nearest. */
export function nearestColor<Name extends string>(
  color: Rgb,
  table: Readonly<Record<Name, Rgb | readonly Rgb[]>>,
): Name {
  let [nearest, least] = [undefined as Name | undefined, Number.POSITIVE_INFINITY];
  for (const [name, entry] of Object.entries(table) as [Name, Rgb | readonly Rgb[]][]) {
    const candidates = typeof entry[0] === 'number' ? [entry as Rgb] : (entry as readonly Rgb[]);
    for (const candidate of candidates) {
      const distance = colorDistance(color, candidate);
      if (distance < least) [nearest, least] = [name, distance];
    }
  }
  if (nearest === undefined) throw new Error('no color is a number, or the table is empty');
  return nearest;
}

/** 0.2126 R + 0.7152 G + 0.0722 B. */
export function luma([red, green, blue]: Rgb): number {
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Difference of the strongest and the weakest channel. */
export function chroma(color: Rgb): number {
  return Math.max(...color) - Math.min(...color);
}
