import { readFile } from 'node:fs/promises';
import { openRawFile } from './raw-file.ts';

/** An 8-bit sRGB picture. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** `[height, width, 3]` */
  readonly rgb: Uint8Array;
}

/** A picture on its way between processes: RGB, 8 bits, `[height, width, 3]`, and nothing else (see `SoundFile`). */
export interface PictureFile {
  readonly path: string;
  readonly width: number;
  readonly height: number;
}

export async function readPictureFile({ path, width, height }: PictureFile): Promise<Picture> {
  const { buffer, byteOffset, length } = await readFile(path);
  if (length !== width * height * 3) throw new Error(`${path} does not hold ${width}×${height} pixels`);
  return { width, height, rgb: new Uint8Array(buffer, byteOffset, length) };
}

export async function writePictureFile(path: string, { width, height, rgb }: Picture): Promise<PictureFile> {
  await using file = await openRawFile(path);
  await file.append(rgb);
  return { path, width, height };
}
