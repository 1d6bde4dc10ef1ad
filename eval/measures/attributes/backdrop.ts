import type { Picture } from '../../footage.ts';
import type { Rgb } from '../../world/colors.ts';
import { medianColor, pixelAt } from '../pixels.ts';

/** The color behind everything, per row `[height]`, from the left and right edges: a plain ground or a gradient. */
export function backdropRows(picture: Picture): Rgb[] {
  const { width, height } = picture;
  const margin = Math.max(2, Math.round(0.02 * width));
  const edges = Array.from({ length: margin }, (_, at) => [at, width - 1 - at]).flat();
  return Array.from({ length: height }, (_, row) => {
    const near = [row - 1, row, row + 1].filter((at) => at >= 0 && at < height);
    return medianColor(near.flatMap((at) => edges.map((column) => pixelAt(picture, at * width + column))));
  });
}
