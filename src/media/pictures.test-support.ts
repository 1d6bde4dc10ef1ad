import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MediaService } from './media-service.ts';
import { type Picture, readPictureFile, writePictureFile } from './raw/picture-file.ts';

/** What the service makes of a picture file, pixels included. */
export function decodedImage(media: MediaService, path: string): Promise<Picture & { readonly isCutOff: boolean }> {
  return inFolder(async (folder) => {
    const { isCutOff, ...file } = await media.decodeImage(path, { output: join(folder, 'decoded') });
    return { ...(await readPictureFile(file)), isCutOff };
  });
}

/** A picture after its way through H.264. */
export function h264RoundTrip(media: MediaService, { width, height, rgb }: Picture, crf?: number): Promise<Picture> {
  return inFolder(async (folder) => {
    const file = await writePictureFile(join(folder, 'before'), { width, height, rgb });
    return readPictureFile(await media.h264RoundTrip(file, join(folder, 'after'), crf));
  });
}

async function inFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-pictures-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
