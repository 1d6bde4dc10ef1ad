import { describe, expect, it } from 'vitest';
import { fpsRational } from './fps-rational.ts';

describe('fpsRational', () => {
  it.each<[number, number, number]>([
    [1, 1, 1],
    [24, 24, 1],
    [60, 60, 1],
    [23.976, 24_000, 1001],
    [23.98, 24_000, 1001],
    [29.97, 30_000, 1001],
    [59.94, 60_000, 1001],
    [12.5, 25, 2],
    [8.333333333, 25, 3],
    [7.123, 7123, 1000],
    [24.8, 124, 5],
    [24.1239, 24_124, 1000],
  ])('%f is %i/%i', (fps, num, den) => expect(fpsRational(fps)).toEqual({ num, den }));

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses %f', (fps) => {
    expect(() => fpsRational(fps)).toThrow(RangeError);
  });
});
