import { elementAt } from '../../src/shared/element-at.ts';
import type { Picture } from '../footage.ts';
import type { Region } from '../world/canvas.ts';
import { type ColorName, colorDistance, colorNames, colors, mixed, type Rgb } from '../world/colors.ts';
import { median } from './motion/series.ts';

export type { Region } from '../world/canvas.ts';

/** The pixel at an index, in 0…1. */
export function pixelAt({ rgb }: Picture, index: number): Rgb {
  const at = index * 3;
  return [elementAt(rgb, at) / 255, elementAt(rgb, at + 1) / 255, elementAt(rgb, at + 2) / 255];
}

/** The color at a point of the world, between the pixels' middles; beyond the edges, that of the edge. */
export function colorAt(picture: Picture, x: number, y: number): Rgb {
  const { width, height } = picture;
  const short = Math.min(width, height);
  const [column, left] = wholeAndRest((x * short) / 2 + width / 2 - 0.5, width);
  const [row, above] = wholeAndRest((y * short) / 2 + height / 2 - 0.5, height);
  const across = (line: number): Rgb =>
    mixed(
      pixelAt(picture, line * width + column),
      pixelAt(picture, line * width + Math.min(column + 1, width - 1)),
      left,
    );
  return mixed(across(row), across(Math.min(row + 1, height - 1)), above);
}

function wholeAndRest(at: number, length: number): [whole: number, rest: number] {
  const within = Math.min(length - 1, Math.max(0, at));
  return [Math.floor(within), within % 1];
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

/** The name whose color, or one of whose colors, is nearest. */
export function nearestColor<Name extends string>(
  color: Rgb,
  names: readonly Name[],
  colorsOf: (name: Name) => Rgb | readonly Rgb[],
): Name {
  let nearest: Name | undefined;
  let minDistance = Number.POSITIVE_INFINITY;
  for (const name of names) {
    const known = colorsOf(name);
    const distance = isRgb(known)
      ? colorDistance(color, known)
      : Math.min(...known.map((each) => colorDistance(color, each)));
    if (distance < minDistance) [nearest, minDistance] = [name, distance];
  }
  if (nearest === undefined) throw new Error('no color is a number, or there are no names');
  return nearest;
}

/** The nearest of the world's color words. */
export function nearestColorName(color: Rgb): ColorName {
  return nearestColor(color, colorNames, (name) => colors[name]);
}

function isRgb(known: Rgb | readonly Rgb[]): known is Rgb {
  return typeof known[0] === 'number';
}

/** 0.2126 R + 0.7152 G + 0.0722 B. */
export function luma([red, green, blue]: Rgb): number {
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Difference of the strongest and the weakest channel. */
export function chroma(color: Rgb): number {
  return Math.max(...color) - Math.min(...color);
}
