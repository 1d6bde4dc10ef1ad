import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MediaService } from './media-service.ts';
import { readFramesFile } from './raw/frames-file.ts';
import { losslessVideo, type VideoEncoderSettings } from './video-settings.ts';

const [width, height, frames] = [66, 50, 12];
const frameBytes = width * height * 3;
/** Noise: every value there is, and nothing that a codec could guess. */
const noise = Uint8Array.from({ length: frames * frameBytes }, (_, at) => (at * 2_654_435_761) >>> 24);
const media = new MediaService();
let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-lossless-'));
  await write({ path: at('part.mkv'), type: losslessVideo }, noise);
});
afterAll(async () => {
  await media[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

type Settings = Partial<VideoEncoderSettings> & Pick<VideoEncoderSettings, 'path'>;

const settingsOf = (settings: Settings): VideoEncoderSettings => ({
  ...{ type: 'X264 (.mp4)', quality: 'high', writeMode: 'fast', width, height, fps: 23.976 },
  ...settings,
});

async function write(settings: Settings, rgb: Uint8Array) {
  await using encoder = await media.openEncoder(settingsOf(settings));
  await encoder.write(rgb);
  return await encoder.finish();
}

test('frames come back to the bit, any stretch of them', async () => {
  for (const [first, count] of [
    [0, frames],
    [7, 5],
    [0, 1],
  ] as const) {
    const stored = await media.storedFrames({ path: at('part.mkv'), first, count, output: at('frames') });
    expect(stored).toMatchObject({ width, height, frames: count });
    const back = Buffer.concat((await readFramesFile(stored)).map(({ rgb }) => rgb));
    expect(back.equals(noise.subarray(first * frameBytes, (first + count) * frameBytes))).toBe(true);
  }
});

test('frames that are not there are missed', async () => {
  const request = { path: at('part.mkv'), first: 8, count: 5, output: at('frames') };
  await expect(media.storedFrames(request)).rejects.toThrow(/has no frames 8 to 12: it is damaged$/);
});

test('a damaged file is noticed', async () => {
  const bytes = await readFile(at('part.mkv'));
  bytes.fill(0x55, bytes.length - 3 * frameBytes, bytes.length - 2 * frameBytes);
  await writeFile(at('damaged.mkv'), bytes);
  const request = { path: at('damaged.mkv'), first: 0, count: frames, output: at('frames') };
  await expect(media.storedFrames(request)).rejects.toThrow();
});

test('stored videos joined in one encode are the same file as their frames written', async () => {
  const crop = { left: 5, top: 3, width: 60, height: 44 };
  const cropped = Buffer.concat(
    Array.from({ length: frames * crop.height }, (_, row) => {
      const [frame, y] = [Math.floor(row / crop.height), row % crop.height];
      const start = frame * frameBytes + ((crop.top + y) * width + crop.left) * 3;
      return noise.subarray(start, start + crop.width * 3);
    }),
  );
  const size = { width: crop.width, height: crop.height };
  await write({ path: at('written.mp4'), ...size }, Buffer.concat([cropped, cropped]));
  await using encoder = await media.openEncoder(settingsOf({ path: at('joined.mp4'), ...size }));
  expect(await encoder.append(at('part.mkv'), crop)).toBe(frames);
  expect(await encoder.append(at('part.mkv'), crop)).toBe(frames);
  expect(await encoder.finish()).toMatchObject({ ...size, frames: 2 * frames });
  expect(await readFile(at('joined.mp4'))).toEqual(await readFile(at('written.mp4')));
});
