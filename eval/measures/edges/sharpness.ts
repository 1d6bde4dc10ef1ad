import { elementAt } from '../../../src/shared/element-at.ts';
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
      const around =
        elementAt(light, at - 1) +
        elementAt(light, at + 1) +
        elementAt(light, at - width) +
        elementAt(light, at + width);
      const value = around - 4 * elementAt(light, at);
      sum += value;
      squares += value * value;
      count++;
    }
  }
  return squares / count - (sum / count) ** 2;
}
