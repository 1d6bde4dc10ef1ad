import sharp from 'sharp';
import type { PreviewSheet } from '../../database/json-columns.ts';
import type { Preview } from '../../pipeline/engine/engine-messages.ts';

/** More are left out evenly; a sheet stays small then. */
const maxFrames = 16;
/** Pixels a WebP picture may have on a side. */
const maxSide = 16_383;

/** Puts the frames of a preview below each other into one small picture. */
export async function previewSheet({ frames, width, height, rgb, step }: Preview): Promise<PreviewSheet> {
  const count = Math.min(frames, maxFrames, Math.max(1, Math.floor(maxSide / height)));
  const size = width * height * 3;
  const strip = new Uint8Array(count * size);
  for (let index = 0; index < count; index += 1) {
    const frame = count === 1 ? 0 : Math.round((index * (frames - 1)) / (count - 1));
    strip.set(rgb.subarray(frame * size, (frame + 1) * size), index * size);
  }
  const raw = { width, height: height * count, channels: 3 } as const;
  // Lossy pictures share colours between neighbouring pixels, which are positions 32 pixels apart, or other frames.
  const picture = await sharp(strip, { raw }).webp({ lossless: true, effort: 2 }).toBuffer();
  return { image: `data:image/webp;base64,${picture.toString('base64')}`, frames: count, width, height, step };
}
