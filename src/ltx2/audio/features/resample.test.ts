import { expect, test } from 'vitest';
import { phaseTaps, resampler } from './resample.ts';

test('48 kHz → 16 kHz has the published taps', () => {
  const { starts, taps, width } = phaseTaps(3, 1);
  const center = -(starts[0] as number);
  expect(width).toBe(37);
  expect(taps[center]).toBeCloseTo(0.33, 8);
  for (const side of [-1, 1]) {
    expect(taps[center + side]).toBeCloseTo(0.2719428, 7);
    expect(taps[center + 2 * side]).toBeCloseTo(0.1353459, 7);
  }
});

test('44.1 kHz → 16 kHz has 160 phases whose taps sum to one', () => {
  const { starts, taps, width } = phaseTaps(441, 160);
  expect(starts.length).toBe(160);
  expect(taps[-(starts[0] as number)]).toBeCloseTo(0.35918367, 8);
  for (let phase = 0; phase < 160; phase++) {
    const sum = taps.subarray(phase * width, (phase + 1) * width).reduce((total, tap) => total + tap, 0);
    expect(Math.abs(sum - 1)).toBeLessThan(3e-3);
  }
});

test.for([
  [44_100, 16_000, 1001, 364],
  [48_000, 16_000, 1000, 334],
  [8_000, 16_000, 1000, 2000],
  [11_025, 16_000, 3, 5],
  [44_099, 16_000, 1, 1],
  [192_000, 16_000, 0, 0],
])('%d → %d Hz makes %d samples %d', ([from, to, samples, expected]) => {
  expect(resampler(from as number, to as number)(new Float32Array(samples as number)).length).toBe(expected);
});

test('a tone keeps its pitch, level and phase', () => {
  const tone = (rate: number) =>
    Float32Array.from({ length: rate / 10 }, (_, n) => 0.5 * Math.sin((2 * Math.PI * 440 * n) / rate));
  const resampled = resampler(44_100, 16_000)(tone(44_100));
  const direct = tone(16_000);
  for (let n = 100; n < 1500; n++) {
    expect(Math.abs((resampled[n] as number) - (direct[n] as number))).toBeLessThan(1e-3);
  }
});

test('equal rates leave the samples alone, in an array of its own', () => {
  const samples = Float32Array.of(1, -1, 0.5);
  const same = resampler(16_000, 16_000)(samples);
  expect(same).toEqual(samples);
  expect(same).not.toBe(samples);
});
