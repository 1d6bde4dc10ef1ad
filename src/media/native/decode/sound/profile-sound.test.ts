import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { profileRate, type SoundProfile } from '../../../sound/sound-profile.ts';
import { wav } from '../../../wav.test-support.ts';
import { profileSound } from './profile-sound.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-profile-'));
});
afterAll(() => rm(folder, { recursive: true }));

const sampleRate = 22_050;

async function profileOf(
  seconds: number,
  value: (time: number, channel: number) => number,
  maxSeconds = 60,
): Promise<SoundProfile> {
  const path = join(folder, 'sound.wav');
  const format = { sampleRate, channels: 2, kind: 'floats', bits: 32 } as const;
  await writeFile(
    path,
    wav(format, Math.round(seconds * sampleRate), (at, channel) => value(at / sampleRate, channel)),
  );
  return await profileSound({ path, field: 'audio', maxSeconds }, new AbortController().signal);
}

test('loudness is that of each moment, also where channels cancel each other out', async () => {
  const { loudness, duration, isCut } = await profileOf(2.005, (time, channel) =>
    time < 1 ? 0 : (channel === 0 ? 0.5 : -0.5) * Math.sin(2 * Math.PI * 440 * time),
  );
  expect({ duration, isCut }).toEqual({ duration: 44_210 / sampleRate, isCut: false });
  expect(loudness).toHaveLength(Math.ceil(duration * profileRate));
  expect(loudness[50]).toBe(-120);
  // A sine at half of full scale.
  expect(loudness[150]).toBeCloseTo(20 * Math.log10(0.5) - 3.01, 0);
});

test('beginnings stand out, in whichever band; sound that goes on has none', async () => {
  const { onset } = await profileOf(3, (time) => {
    const low = time > 1 ? 0.3 * Math.sin(2 * Math.PI * 100 * time) : 0;
    return low + (time > 2 ? 0.05 * Math.sin(2 * Math.PI * 5000 * time) : 0);
  });
  const loudest = [...onset.keys()].toSorted((one, other) => (onset[other] ?? 0) - (onset[one] ?? 0)).slice(0, 2);
  expect(loudest.toSorted((one, other) => one - other)).toEqual([100, 200]);
  expect(Math.max(...onset.subarray(120, 195))).toBeLessThan((onset[200] ?? 0) / 4);
});

test('no more is listened to than asked', async () => {
  const { isCut, duration } = await profileOf(3, () => 0.1, 2);
  expect({ isCut, duration }).toEqual({ isCut: true, duration: 2 });
});
