import { expect, test } from 'vitest';
import { elementAt } from '../../../src/shared/element-at.ts';
import { bandsPerFrame, loudnessPerFrame, soundRate, toLevel } from './loudness.ts';

/** A tone of which each frame (1/4 s) has a loudness. */
function tone(amplitudes: readonly number[]): Float32Array {
  const perFrame = soundRate / 4;
  return Float32Array.from(
    { length: amplitudes.length * perFrame },
    (_, at) => Math.sin(at / 4) * elementAt(amplitudes, Math.floor(at / perFrame)),
  );
}

test('a frame is as loud as the sound in its middle', () => {
  const found = loudnessPerFrame(tone([0, 0.5, 0.05, 0.5, 0]), 5, 4);
  expect(found[0]).toBe(0);
  expect(found[1]).toBeGreaterThan(0.8);
  expect(found[2]).toBeGreaterThan(0.05);
  expect(found[2]).toBeLessThan(0.5);
  expect(found[4]).toBe(0);
});

test('the level of the recording does not matter', () => {
  const loud = loudnessPerFrame(tone([0.5, 0.1, 0.8]), 3, 4);
  const quiet = loudnessPerFrame(tone([0.05, 0.01, 0.08]), 3, 4);
  for (const [at, value] of quiet.entries()) expect(value).toBeCloseTo(elementAt(loud, at), 3);
});

test('frames after the end of the sound are silent, and silence has no level', () => {
  expect(loudnessPerFrame(tone([0.5]), 3, 4).at(-1)).toBeLessThan(0.01);
  expect(toLevel(new Float32Array(800))).toEqual(new Float32Array(800));
});

test('a band is as loud as what has its pitch', () => {
  const hum = Float32Array.from({ length: soundRate }, (_, at) => 0.3 * Math.sin((2 * Math.PI * 120 * at) / soundRate));
  const hiss = hum.map((value, at) =>
    at < soundRate / 2 ? value : 0.3 * Math.sin((2 * Math.PI * 5000 * at) / soundRate),
  );
  const found = bandsPerFrame(hiss, 4, 4);
  expect(found.map((bands) => bands.length)).toEqual([8, 8, 8, 8]);
  for (const [frame, loud] of [
    [0, 0],
    [3, 7],
  ] as const) {
    expect(found[frame]?.[loud]).toBeGreaterThan(0.8);
    expect(found[frame]?.[7 - loud]).toBeLessThan(0.1);
  }
});
