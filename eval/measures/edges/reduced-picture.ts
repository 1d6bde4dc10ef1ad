import { elementAt } from '../../../src/shared/element-at.ts';
import type { Picture } from '../../footage.ts';

/** A picture in blocks of equal size, each its mean, so that the shorter side has at least `cells`. */
export function reducedPicture(picture: Picture, cells: number): Picture {
  const block = Math.max(1, Math.floor(Math.min(picture.width, picture.height) / cells));
  const [width, height] = [Math.floor(picture.width / block), Math.floor(picture.height / block)];
  const rgb = new Uint8Array(width * height * 3);
  for (let at = 0; at < rgb.length; at++) {
    const [cell, axis] = [Math.floor(at / 3), at % 3];
    const corner = Math.floor(cell / width) * block * picture.width + (cell % width) * block;
    let sum = 0;
    for (let row = 0; row < block; row++) {
      for (let column = 0; column < block; column++) {
        sum += elementAt(picture.rgb, (corner + row * picture.width + column) * 3 + axis);
      }
    }
    rgb[at] = Math.round(sum / block ** 2);
  }
  return { width, height, rgb };
}

/** A picture of the same size, each pixel the mean of itself and its neighbors. */
export function softened({ width, height, rgb }: Picture): Picture {
  const soft = new Uint8Array(rgb.length);
  for (let at = 0; at < rgb.length; at++) {
    const [pixel, axis] = [Math.floor(at / 3), at % 3];
    const [row, column] = [Math.floor(pixel / width), pixel % width];
    let [sum, count] = [0, 0];
    for (let y = Math.max(0, row - 1); y <= Math.min(height - 1, row + 1); y++) {
      for (let x = Math.max(0, column - 1); x <= Math.min(width - 1, column + 1); x++, count++) {
        sum += elementAt(rgb, (y * width + x) * 3 + axis);
      }
    }
    soft[at] = Math.round(sum / count);
  }
  return { width, height, rgb: soft };
}
