import sharp from 'sharp';
import type { Picture } from '../../footage.ts';

/** A picture blurred on purpose, by a Gaussian of `radius` pixels: what measures of sharpness must not take for sharp. */
export async function blurred({ rgb, width, height }: Picture, radius: number): Promise<Picture> {
  const soft = sharp(rgb, { raw: { width, height, channels: 3 } }).blur(radius);
  return { width, height, rgb: new Uint8Array(await soft.raw().toBuffer()) };
}
