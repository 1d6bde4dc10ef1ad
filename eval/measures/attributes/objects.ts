import { elementAt } from '../../../src/shared/element-at.ts';
import type { Picture } from '../../footage.ts';
import { colorDistance, type Rgb } from '../../world/colors.ts';
import { softened } from '../edges/reduced-picture.ts';
import { mean } from '../motion/series.ts';
import { medianColor, pixelAt } from '../pixels.ts';
import { backdropRows } from './backdrop.ts';

/** Something before the backdrop. */
export interface FoundObject {
  /** Pixels `[x, y]` in it. */
  readonly pixels: readonly (readonly [number, number])[];
  readonly color: Rgb;
  /** Middle, in pixels. */
  readonly x: number;
  readonly y: number;
}

/** Closer to the backdrop than this is backdrop; the world's nearest colors are 0.3 apart. */
const apart = 0.17;
/** Smaller pieces, as a share of the picture, are noise. */
const minShare = 0.004;

/** The connected pieces that differ from the backdrop, from left to right. */
export function findObjects(given: Picture): FoundObject[] {
  const picture = softened(given);
  const { width, height } = picture;
  const backdrop = backdropRows(picture);
  const isObject = Uint8Array.from({ length: width * height }, (_, index) => {
    const ground = backdrop[Math.floor(index / width)];
    return ground !== undefined && colorDistance(pixelAt(picture, index), ground) > apart ? 1 : 0;
  });
  const objects: FoundObject[] = [];
  for (let index = 0; index < isObject.length; index++) {
    if (isObject[index] === 0) continue;
    const piece = takePiece(isObject, index, width);
    if (piece.length >= minShare * width * height) objects.push(describe(picture, piece));
  }
  return objects.sort((a, b) => a.x - b.x);
}

/** The pixels connected to `start`, cleared from the mask. */
function takePiece(mask: Uint8Array, start: number, width: number): number[] {
  const piece = [start];
  mask[start] = 0;
  for (let next = 0; next < piece.length; next++) {
    const index = elementAt(piece, next);
    const column = index % width;
    for (const neighbor of [
      column > 0 ? index - 1 : -1,
      column < width - 1 ? index + 1 : -1,
      index - width,
      index + width,
    ]) {
      if (mask[neighbor] !== 1) continue;
      mask[neighbor] = 0;
      piece.push(neighbor);
    }
  }
  return piece;
}

function describe(picture: Picture, piece: readonly number[]): FoundObject {
  const pixels = piece.map((index): [number, number] => [index % picture.width, Math.floor(index / picture.width)]);
  const x = mean(pixels.map((pixel) => pixel[0]));
  const y = mean(pixels.map((pixel) => pixel[1]));
  // Rims are mixed with the backdrop; a circle of a quarter of the area lies within every shape.
  const inner = 0.5 * Math.sqrt(piece.length / Math.PI);
  const core = pixels.filter(([column, row]) => Math.hypot(column - x, row - y) < inner);
  const color = medianColor(core.map(([column, row]) => pixelAt(picture, row * picture.width + column)));
  return { pixels, color, x, y };
}
