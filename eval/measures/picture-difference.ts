import { elementAt } from '../../src/shared/element-at.ts';
import type { Picture } from '../footage.ts';
import { reducedPicture } from './edges/reduced-picture.ts';
import { correlation } from './motion/series.ts';

/** Across the shorter side. */
const layoutCells = 24;

/** Peak signal-to-noise ratio of two pictures of one size in dB; 99 where they are equal. */
export function psnr(a: Picture, b: Picture): number {
  if (a.rgb.length !== b.rgb.length) throw new RangeError(`${a.width}×${a.height} against ${b.width}×${b.height}`);
  return psnrOf(squaredError(a, b));
}

/** Of whole clips: one mean over all frames. */
export function clipPsnr(a: readonly Picture[], b: readonly Picture[]): number {
  const errors = a.map((picture, at) => squaredError(picture, elementAt(b, at)));
  return psnrOf(errors.reduce((sum, error) => sum + error, 0) / errors.length);
}

/** Correlation of two pictures of one size, both reduced to blocks: whether their layout agrees. */
export function layoutCorrelation(a: Picture, b: Picture): number {
  return correlation(reducedPicture(a, layoutCells).rgb, reducedPicture(b, layoutCells).rgb);
}

function squaredError(a: Picture, b: Picture): number {
  let sum = 0;
  for (let at = 0; at < a.rgb.length; at++) sum += (elementAt(a.rgb, at) - elementAt(b.rgb, at)) ** 2;
  return sum / a.rgb.length;
}

function psnrOf(error: number): number {
  return Math.min(99, 10 * Math.log10(255 ** 2 / error));
}
