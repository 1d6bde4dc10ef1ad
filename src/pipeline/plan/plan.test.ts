import { describe, expect, test } from 'vitest';
import { plainSettings } from '../../../test/support/clip-settings.ts';
import { publishedDecoder } from '../../../test/support/decoder-graph.ts';
import { publishedSchedules } from '../../ltx2/sampling/schedule.ts';
import type { WeightSet } from '../../models/weight-folder.ts';
import { type ClipSettings, createPlan, type InputFacts } from './plan.ts';

const weights: WeightSet = { id: 'w', bundle: '/b', upscaler: '/u', textEncoder: '/t', cameraLoras: {} };
const settings: ClipSettings = { ...plainSettings, numFrames: 121, videoSize: { width: 1024, height: 768 } };

function plan(changes: Partial<ClipSettings>, facts: Partial<InputFacts> = {}) {
  return createPlan(
    { ...settings, ...changes },
    { audioSeconds: 5, decoder: publishedDecoder, schedules: publishedSchedules, ...facts },
    weights,
  );
}

test('the example of the model: two stages of 3,072 and 12,288 tokens, 126 audio latents', () => {
  const { stages, audioLatents, crop } = plan({}).plan;
  expect(stages.map(({ latent }) => latent)).toEqual([
    { frames: 16, height: 12, width: 16 },
    { frames: 16, height: 24, width: 32 },
  ]);
  expect(audioLatents).toBe(126);
  expect(crop).toEqual({ left: 0, top: 0, width: 1024, height: 768 });
});

test('odd sizes are generated larger and cropped in the middle', () => {
  const two = plan({ videoSize: { width: 65, height: 130 } }).plan;
  expect(two.stages.at(-1)).toMatchObject({ width: 128, height: 192 });
  expect(two.crop).toEqual({ left: 31, top: 31, width: 65, height: 130 });
  const one = plan({ videoSize: { width: 65, height: 130 }, useMultiscale: false }).plan;
  expect(one.stages).toHaveLength(1);
  expect(one.stages[0]).toMatchObject({ width: 96, height: 160 });
});

test.for([
  [9, 9],
  [10, 17],
  [17, 17],
  [120, 121],
  [481, 481],
])('%i frames are asked for, the model makes %i', ([frames, modelFrames]) => {
  expect(plan({ numFrames: frames as number }).plan).toMatchObject({ frames, modelFrames });
});

describe('matching the audio', () => {
  test('frames are seconds × fps', () => {
    expect(plan({ matchAudioLength: true, fps: 23.976 }, { audioSeconds: 4 }).plan.frames).toBe(96);
  });

  test('too long and too short recordings are clamped, and said so', () => {
    const long = plan({ matchAudioLength: true }, { audioSeconds: 60 });
    expect(long.plan.frames).toBe(481);
    expect(long.notes).toEqual([expect.stringContaining('1440 frames long at 24 fps; the clip gets 481')]);
    expect(plan({ matchAudioLength: true }, { audioSeconds: 0.1 }).plan.frames).toBe(9);
  });
});

describe('automatic size', () => {
  test('is the first image, brought within the limits', () => {
    const size = (width: number, height: number) =>
      plan({ videoSize: 'auto' }, { audioSeconds: 5, firstImage: { width, height } }).plan.crop;
    expect(size(640, 480)).toMatchObject({ width: 640, height: 480 });
    expect(size(4096, 2048)).toMatchObject({ width: 2048, height: 1024 });
    expect(size(32, 48)).toMatchObject({ width: 64, height: 96 });
    expect(size(100, 10_000)).toMatchObject({ width: 64, height: 2048 });
  });

  test('is the default without an image', () => {
    expect(plan({ videoSize: 'auto' }).plan.crop).toMatchObject({ width: 1024, height: 768 });
  });
});

test('a plan is frozen throughout', () => {
  const { stages, crop } = plan({}).plan;
  expect(Object.isFrozen(stages)).toBe(true);
  expect(Object.isFrozen(stages[0]?.latent)).toBe(true);
  expect(Object.isFrozen(crop)).toBe(true);
});

test('tiles are the reference implementation’s without a limit on memory, and fewer and larger with one', () => {
  expect(plan({}).plan.tiling).toMatchObject({ tilePixels: 512, overlapPixels: 64, tileFrames: 64, overlapFrames: 24 });
  const roomy = plan({}, { decodeMemory: 100e9 }).plan.tiling;
  expect(roomy).toMatchObject({ tilePixels: 1024, tileFrames: 128 });
});
