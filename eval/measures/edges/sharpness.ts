import type { Picture } from '../../footage.ts';
import { luma, pixelAt } from '../pixels.ts';

/** How sharp a picture is: the variance of its Laplacian, of light in 0…1. */
export function sharpness(picture: Picture): number {
  const { width, height } = picture;
  const light = Float32Array.from({ length: width * height }, (_, index) => luma(pixelAt(picture, index)));
  let [sum, squares, count] = [0, 0, 0];
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x;
      const around = (light[at - 1] ?? 0) + (light[at + 1] ?? 0) + (light[at - width] ?? 0) + (light[at + width] ?? 0);
      const value = around - 4 * (light[at] ?? 0);
      sum += value;
      squares += value * value;
      count++;
    }
  }
  return squares / count - (sum / count) ** 2;
}
