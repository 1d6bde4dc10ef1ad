import type { RgbImage } from '../../rgb-image.ts';

/** Bits behind the point of a weight, so that 255 times a sum of weights fills 30 bits. */
const precision = 22;

/** What makes up one element of a resized row or column. */
interface Reach {
  readonly first: number;
  /** Fixed-point weights of the elements from `first` on; they add up to about 2²². */
  readonly weights: Int32Array;
}

/**
 * Resizes as Pillow does with its bilinear filter, to the last bit: a triangle as wide as the step where it shrinks, first along
 * rows, then along columns, each pass in fixed point and rounded to 8 bits.
 */
export function resizeBilinear(image: RgbImage, width: number, height: number): RgbImage {
  const along = image.width === width ? image.rgb : resizeRows(image, width);
  if (image.height === height) return { width, height, rgb: along };
  const rgb = new Uint8Array(height * width * 3);
  const stride = width * 3;
  for (const [y, { first, weights }] of reaches(image.height, height).entries()) {
    for (let at = 0; at < stride; at++) {
      let sum = 1 << (precision - 1);
      for (let k = 0; k < weights.length; k++)
        sum += (along[(first + k) * stride + at] as number) * (weights[k] as number);
      rgb[y * stride + at] = sum >> precision;
    }
  }
  return { width, height, rgb };
}

function resizeRows(image: RgbImage, width: number): Uint8Array {
  const columns = reaches(image.width, width);
  const rows = new Uint8Array(image.height * width * 3);
  for (let y = 0; y < image.height; y++) {
    for (const [x, { first, weights }] of columns.entries()) {
      for (let channel = 0; channel < 3; channel++) {
        const from = (y * image.width + first) * 3 + channel;
        let sum = 1 << (precision - 1);
        for (let k = 0; k < weights.length; k++) sum += (image.rgb[from + k * 3] as number) * (weights[k] as number);
        rows[(y * width + x) * 3 + channel] = sum >> precision;
      }
    }
  }
  return rows;
}

/** For each of `count` elements that are made of `length`, which ones it is made of and in what shares. */
function reaches(length: number, count: number): Reach[] {
  const scale = length / count;
  const support = Math.max(scale, 1);
  return Array.from({ length: count }, (_, index) => {
    const center = (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(length, Math.trunc(center + support + 0.5));
    const shares = Array.from({ length: end - first }, (_, k) =>
      Math.max(0, 1 - Math.abs((k + first - center + 0.5) / support)),
    );
    const total = shares.reduce((sum, share) => sum + share, 0);
    return { first, weights: Int32Array.from(shares, (share) => 0.5 + (share / total) * 2 ** precision) };
  });
}
