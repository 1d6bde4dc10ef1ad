import { expect, test } from 'vitest';
import { bestLag, correlation, deviation, fallsMonotonically, median } from './series.ts';

const wave = Array.from({ length: 60 }, (_, at) => Math.sin(at / 3) + 0.4 * Math.sin(at / 1.3));

test('correlation knows agreement, opposition and independence', () => {
  expect(
    correlation(
      wave,
      wave.map((value) => 3 * value + 1),
    ),
  ).toBeCloseTo(1);
  expect(
    correlation(
      wave,
      wave.map((value) => -value),
    ),
  ).toBeCloseTo(-1);
  expect(correlation(wave, wave.fill.call([...wave], 2))).toBe(0);
});

test('the best lag is positive where the first series is late', () => {
  expect(bestLag(wave, wave, 3)).toBe(0);
  expect(bestLag(wave.slice(0, 50), wave.slice(2, 52), 3)).toBe(2);
  expect(bestLag(wave.slice(2, 52), wave.slice(0, 50), 3)).toBe(-2);
});

test('median, deviation and monotone falls', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(deviation([1, 3])).toBe(1);
  expect(fallsMonotonically([3, 2, 1])).toBe(true);
  expect(fallsMonotonically([3, 3, 1])).toBe(false);
});
