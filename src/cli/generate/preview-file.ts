import sharp from 'sharp';
import type { Preview } from '../../pipeline/engine/engine-messages.ts';

/** Writes the middle frame of a preview, one pixel per latent position made 16. */
export async function writePreview({ frames, width, height, rgb }: Preview, path: string): Promise<void> {
  const size = width * height * 3;
  const start = Math.floor(frames / 2) * size;
  await sharp(rgb.subarray(start, start + size), { raw: { width, height, channels: 3 } })
    .resize(width * 16, height * 16, { kernel: 'cubic' })
    .png()
    .toFile(path);
}
