import { copyFile, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { plainSettings } from '../../test/support/clip-settings.ts';
import { writeBlackPng } from '../../test/support/media/hostile-files.ts';
import { silentFlac } from '../../test/support/media/silent-flac.ts';
import { memoryGrowth } from '../../test/support/memory-growth.ts';
import { bundlePath, gemmaPath, upscalerPath } from '../../test/support/parity-checkpoint.ts';
import { publishedSchedules } from '../ltx2/sampling/schedule.ts';
import { MediaService } from '../media/media-service.ts';
import { resolveWeights } from '../models/resolve-weights.ts';
import type { WeightSet } from '../models/weight-folder.ts';
import { decodeImages, type PlannedClip, prepareClip } from './clip-inputs.ts';
import type { ClipSettings } from './plan/plan.ts';

const weights = { id: 'tiny', bundle: bundlePath, upscaler: upscalerPath, textEncoder: gemmaPath, cameraLoras: {} };
const fixtures = join(import.meta.dirname, '../../test/fixtures/media');
const media = new MediaService();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-inputs-'));
});
afterAll(async () => {
  await media[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function prepare(settings: ClipSettings, set: WeightSet = weights): Promise<PlannedClip> {
  return await prepareClip(settings, await decodeImages(settings, media, { folder }), set, media, { folder });
}

test('a picture that is cut off is used and remarked on; a whole one, HEIC too, is not remarked on', async () => {
  const [image, endImage] = [join(folder, 'cut.jpg'), join(folder, 'phone')];
  const whole = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#f80' } })
    .jpeg()
    .toBuffer();
  await writeFile(image, whole.subarray(0, -2));
  await copyFile(join(fixtures, 'quadrants-tiles.heic'), endImage);
  const settings = { ...plainSettings, audio: join(fixtures, 'click.wav'), image, endImage };
  const { notes, inputs } = await prepare(settings);
  expect(notes).toEqual([expect.stringMatching(/^the image is cut off: /)]);
  expect(inputs.firstImage).toMatchObject({ width: 64, height: 64 });
  expect(inputs.endImage).toMatchObject({ width: 100, height: 150 });
});

test('a clip is planned with the noise levels its checkpoint names, or the published ones', async () => {
  const settings = { ...plainSettings, audio: join(fixtures, 'click.wav'), useMultiscale: true };
  const sigmas = async (set: WeightSet) => (await prepare(settings, set)).plan.stages.map((stage) => stage.sigmas);
  expect(await sigmas(weights)).toEqual([publishedSchedules.first, publishedSchedules.refinement]);
  expect(await sigmas(await resolveWeights('nano'))).toEqual([
    [1, 0.909375, 0.725, 0.421875, 0],
    [0.421875, 0],
  ]);
});

test('a long recording of eight channels and a huge picture leave the memory of this process as it is', async () => {
  const [audio, image] = [join(folder, 'silence.flac'), join(folder, 'huge.png')];
  await writeFile(audio, silentFlac(550, 8));
  await writeBlackPng(image, 6000, 5000);
  // The processes behind the service are there already.
  await prepare({ ...plainSettings, audio: join(fixtures, 'click.wav') });
  const settings = { ...plainSettings, audio, image, numFrames: 9 };
  expect(await memoryGrowth(() => prepare(settings))).toBeLessThan(60e6);
});

test('of a recording no more is decoded than the longest clip can use, and its length is not said to be known', async () => {
  const audio = join(folder, 'silence.flac');
  await writeFile(audio, silentFlac(300, 8));
  const settings = { ...plainSettings, audio, matchAudioLength: true, fps: 60 };
  const { plan, inputs, notes } = await prepare(settings);
  expect(plan.frames).toBe(481);
  expect(notes).toEqual(['the audio is more than 541 frames long at 60 fps; the clip gets 481 (limits 9 to 481)']);
  expect((await stat(inputs.audio.path)).size).toBeLessThan(10 * 48_000 * 8);
});
