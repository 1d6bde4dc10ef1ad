import { readFile } from 'node:fs/promises';
import type { Picture, PictureFile } from './picture-file.ts';

/** Frames on their way between processes: RGB, 8 bits, `[frames, height, width, 3]`, and nothing else (see `SoundFile`). */
export interface FramesFile extends PictureFile {
  readonly frames: number;
}

export async function readFramesFile({ path, width, height, frames }: FramesFile): Promise<Picture[]> {
  const bytes = await readFile(path);
  const size = width * height * 3;
  if (bytes.length !== frames * size) throw new Error(`${path} does not hold ${frames} frames of ${width}×${height}`);
  return Array.from({ length: frames }, (_, index) => {
    return { width, height, rgb: new Uint8Array(bytes.subarray(index * size, (index + 1) * size)) };
  });
}
