import { describe, expect, it } from 'vitest';
import { integratedLoudness } from './loudness.ts';

/** `[2, samples]` of a sine, one peak level in dBFS per stretch of seconds. */
function sine(stretches: [decibels: number, seconds: number][], frequency: number, rate: number, channels: 1 | 2 = 2) {
  const levels = stretches.flatMap(([decibels, seconds]) => new Array(seconds * rate).fill(10 ** (decibels / 20)));
  const samples = levels.map((level, index) => level * Math.sin((2 * Math.PI * frequency * index) / rate));
  return Float32Array.from(channels === 1 ? samples : [...samples, ...samples]);
}

describe('integratedLoudness', () => {
  it.each([44_100, 48_000, 96_000, 16_000])('gives −3.01 LUFS for a full-scale 997 Hz sine at %i Hz', (rate) => {
    expect(integratedLoudness(sine([[0, 3]], 997, rate, 1), 1, rate)).toBeCloseTo(-3.01, 1);
    expect(integratedLoudness(sine([[0, 3]], 997, rate, 2), 2, rate)).toBeCloseTo(0, 1);
  });

  // EBU Tech 3341, minimum requirements, test signals 1 to 4; tolerance 0.1 LU.
  it.each<[string, [number, number][], number]>([
    ['1', [[-23, 20]], -23],
    ['2', [[-33, 20]], -33],
    [
      '3',
      [
        [-36, 10],
        [-23, 60],
        [-36, 10],
      ],
      -23,
    ],
    [
      '4',
      [
        [-72, 10],
        [-36, 10],
        [-23, 60],
        [-36, 10],
        [-72, 10],
      ],
      -23,
    ],
  ])('measures EBU test signal %s', (_, stretches, expected) => {
    expect(Math.abs(integratedLoudness(sine(stretches, 1000, 48_000), 2, 48_000) - expected)).toBeLessThan(0.1);
  });

  it('gives −∞ for silence, for nothing and below the gate', () => {
    expect(integratedLoudness(new Float32Array(96_000), 2, 48_000)).toBe(Number.NEGATIVE_INFINITY);
    expect(integratedLoudness(new Float32Array(0), 2, 48_000)).toBe(Number.NEGATIVE_INFINITY);
    expect(integratedLoudness(sine([[-80, 2]], 1000, 48_000), 2, 48_000)).toBe(Number.NEGATIVE_INFINITY);
  });

  it('measures sound that is shorter than a block', () => {
    expect(integratedLoudness(sine([[0, 1]], 997, 48_000).subarray(0, 9600), 2, 48_000)).toBeGreaterThan(-10);
  });
});
