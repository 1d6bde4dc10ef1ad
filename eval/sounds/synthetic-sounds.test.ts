import { expect, test } from 'vitest';
import { loudnessPerFrame, soundRate } from '../measures/motion/loudness.ts';
import { deviation } from '../measures/motion/series.ts';
import { SeededRandom } from '../seeded-random.ts';
import { synthesize, syntheticKinds } from './synthetic-sounds.ts';

test.for(syntheticKinds)('%s get louder and quieter, and equal seeds give equal sounds', (kind) => {
  const sounds = [1, 2, 3, 4, 5].map((seed) => synthesize(kind, 3, new SeededRandom(seed)));
  const rhythms = sounds.map((sound) => deviation(loudnessPerFrame(sound, 36, 12)));
  expect(Math.max(...rhythms)).toBeGreaterThan(0.15);
  expect(sounds[0]).toHaveLength(3 * soundRate);
  expect(synthesize(kind, 3, new SeededRandom(1))).toEqual(sounds[0]);
  expect(sounds[1]).not.toEqual(sounds[0]);
});
