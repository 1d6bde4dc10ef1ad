import { elementAt } from '../../../src/shared/element-at.ts';
import type { Picture } from '../../footage.ts';
import { luma, pixelAt } from '../pixels.ts';

/** Pixels of the shorter side at which edges are measured: what the eye sees of a picture, whatever its size. */
const side = 192;
/** Change of light from one of these pixels to the next, of 0…1, below which it is a shade and no edge. */
const minStep = 0.08;

/**
 * How much of a picture is strong edges: the sum of the steps of light that are above a threshold, per pixel, after the
 * picture was brought to 192 pixels of its shorter side by means of areas. A blur spreads an edge over pixels until none of
 * its steps is strong, so it makes this fall, where it hardly changes colors or layout.
 */
export function strongEdges(picture: Picture): number {
  const { light, width, height } = reducedLight(picture);
  let sum = 0;
  for (let y = 0; y < height - 1; y++) {
    for (let x = 0; x < width - 1; x++) {
      const at = y * width + x;
      const here = elementAt(light, at);
      const step = Math.hypot(elementAt(light, at + 1) - here, elementAt(light, at + width) - here);
      if (step > minStep) sum += step;
    }
  }
  return sum / (width * height);
}

interface Light {
  /** `[height, width]` in 0…1. */
  readonly light: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** A picture's light, its shorter side brought to `side` pixels; smaller pictures stay as they are. */
function reducedLight(picture: Picture): Light {
  const { width, height } = picture;
  const scale = Math.max(1, Math.min(width, height) / side);
  const light = Float32Array.from({ length: width * height }, (_, index) => luma(pixelAt(picture, index)));
  const narrow = reducedRows(light, width, scale);
  const narrowWidth = narrow.length / height;
  const low = reducedRows(transposed(narrow, narrowWidth), height, scale);
  const lowHeight = low.length / narrowWidth;
  return { light: transposed(low, lowHeight), width: narrowWidth, height: lowHeight };
}

/** Rows of `length` values, `scale` times as short: each value the mean of what it covers, parts of values included. */
function reducedRows(values: Float32Array, length: number, scale: number): Float32Array {
  const [rows, reduced] = [values.length / length, Math.floor(length / scale + 1e-9)];
  const result = new Float32Array(rows * reduced);
  for (let at = 0; at < result.length; at++) {
    const row = Math.floor(at / reduced) * length;
    const [from, to] = [(at % reduced) * scale, ((at % reduced) + 1) * scale];
    let sum = 0;
    for (let index = Math.floor(from); index < Math.min(length, to); index++) {
      sum += elementAt(values, row + index) * (Math.min(to, index + 1) - Math.max(from, index));
    }
    result[at] = sum / scale;
  }
  return result;
}

/** Columns as rows. */
function transposed(values: Float32Array, width: number): Float32Array {
  const height = values.length / width;
  const result = new Float32Array(values.length);
  for (let at = 0; at < values.length; at++)
    result[(at % width) * height + Math.floor(at / width)] = elementAt(values, at);
  return result;
}
