import sharp, { type KernelEnum } from 'sharp';
import { floatTensor, type HostTensor } from '../../graph/runtime/host-tensor.ts';
import type { Picture } from '../../media/raw/picture-file.ts';
import { elementAt } from '../../shared/element-at.ts';

/** How a network wants its pictures. */
export interface PicturePreparation {
  readonly width: number;
  readonly height: number;
  readonly kernel: keyof KernelEnum;
  /** What an 8-bit value is multiplied by, before mean and deviation. */
  readonly factor: number;
  /** Per channel, red first. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** A picture squeezed to the network's size and normalized: `[1, 3, height, width]`. */
export async function picturePixels(
  picture: Picture,
  { width, height, kernel, factor, mean, deviation }: PicturePreparation,
): Promise<HostTensor<'float32'>> {
  const raw = { width: picture.width, height: picture.height, channels: 3 } as const;
  const resized = await sharp(picture.rgb, { raw }).resize(width, height, { fit: 'fill', kernel }).raw().toBuffer();
  const count = width * height;
  const pixels = new Float32Array(3 * count);
  for (let channel = 0; channel < 3; channel++) {
    const [center = 0, spread = 1] = [mean[channel], deviation[channel]];
    for (let index = 0; index < count; index++) {
      const value = elementAt(resized, index * 3 + channel);
      pixels[channel * count + index] = (value * factor - center) / spread;
    }
  }
  return floatTensor(pixels, [1, 3, height, width]);
}
