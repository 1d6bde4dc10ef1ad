import { describe, expect, it } from 'vitest';
import { toStereo } from './stereo.ts';

describe('toStereo', () => {
  it('keeps stereo and duplicates mono', () => {
    const stereo = Float32Array.of(1, 2, 3, 4);
    expect(toStereo(stereo, 2)).toBe(stereo);
    expect(toStereo(Float32Array.of(1, 2), 1)).toEqual(Float32Array.of(1, 2, 1, 2));
  });

  it('mixes 5.1 down by ITU-R BS.775 without clipping', () => {
    const norm = 1 + 2 * Math.SQRT1_2;
    const mixOf = (speaker: number) => [
      ...toStereo(
        Float32Array.from({ length: 6 }, (_, i) => Number(i === speaker)),
        6,
      ),
    ];
    const expected = [
      [1, 0],
      [0, 1],
      [Math.SQRT1_2, Math.SQRT1_2],
      [0, 0],
      [Math.SQRT1_2, 0],
      [0, Math.SQRT1_2],
    ];
    for (const [speaker, gains] of expected.entries()) {
      for (const [side, gain] of gains.entries()) expect(mixOf(speaker)[side]).toBeCloseTo(gain / norm);
    }
    expect([...toStereo(new Float32Array(6).fill(1), 6)].every((value) => value <= 1.000001)).toBe(true);
  });

  it('follows a channel mask, and alternates channels it knows nothing about', () => {
    const quad = toStereo(Float32Array.of(0, 0, 1, 0), 4, 0x33);
    expect(quad[0]).toBeCloseTo(Math.SQRT1_2 / (1 + Math.SQRT1_2));
    expect(quad[1]).toBe(0);
    expect([...toStereo(new Float32Array(9).fill(1), 9)]).toEqual([1, 1]);
  });

  it('refuses samples that do not divide into channels', () => {
    expect(() => toStereo(new Float32Array(7), 3)).toThrow(RangeError);
  });
});
