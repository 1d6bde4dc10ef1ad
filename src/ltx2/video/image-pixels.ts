import { floatTensor, type HostTensor } from '../../graph/runtime/host-tensor.ts';
import type { RgbImage } from '../rgb-image.ts';

/**
 * A picture as the video encoder takes it: scaled to cover `width × height`, cropped in the middle, `x/127.5 − 1`.
 * Bilinear without antialiasing, as the reference scales. Returns `[1, 3, 1, height, width]`.
 */
export function imagePixels(image: RgbImage, width: number, height: number): HostTensor<'float32'> {
  const scale = Math.max(height / image.height, width / image.width);
  const scaledHeight = Math.ceil(image.height * scale);
  const scaledWidth = Math.ceil(image.width * scale);
  const rows = sampling(image.height, scaledHeight, height);
  const columns = sampling(image.width, scaledWidth, width);
  const pixels = new Float32Array(3 * height * width);
  for (let channel = 0; channel < 3; channel++) {
    for (let y = 0; y < height; y++) {
      const [above, below, down] = at(rows, y);
      for (let x = 0; x < width; x++) {
        const [left, right, across] = at(columns, x);
        const sample = (row: number, column: number): number =>
          image.rgb[(row * image.width + column) * 3 + channel] as number;
        const top = sample(above, left) * (1 - across) + sample(above, right) * across;
        const bottom = sample(below, left) * (1 - across) + sample(below, right) * across;
        pixels[(channel * height + y) * width + x] = (top * (1 - down) + bottom * down) / 127.5 - 1;
      }
    }
  }
  return floatTensor(pixels, [1, 3, 1, height, width]);
}

/** Pictures in a row, each as `imagePixels` has it: `[1, 3, images, height, width]`. */
export function videoPixels(images: readonly RgbImage[], width: number, height: number): HostTensor<'float32'> {
  const plane = height * width;
  const pixels = new Float32Array(3 * images.length * plane);
  images.forEach((image, frame) => {
    const { data } = imagePixels(image, width, height);
    for (let channel = 0; channel < 3; channel++) {
      pixels.set(data.subarray(channel * plane, (channel + 1) * plane), (channel * images.length + frame) * plane);
    }
  });
  return floatTensor(pixels, [1, 3, images.length, height, width]);
}

/** Both source indices and the share of the second. */
type Source = readonly [first: number, second: number, share: number];

/** Where the `kept` middle samples of `length` samples scaled to `scaled` come from. */
function sampling(length: number, scaled: number, kept: number): Source[] {
  const skipped = Math.floor((scaled - kept) / 2);
  return Array.from({ length: kept }, (_, index) => {
    const position = Math.max(0, (index + skipped + 0.5) * (length / scaled) - 0.5);
    const first = Math.min(Math.floor(position), length - 1);
    return [first, Math.min(first + 1, length - 1), position - first];
  });
}

function at(sources: readonly Source[], index: number): Source {
  const source = sources[index];
  if (source === undefined) throw new RangeError(`no source for sample ${index}`);
  return source;
}
