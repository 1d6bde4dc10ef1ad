import { describe, expect, it } from 'vitest';
import { elementAt } from '../../shared/element-at.ts';
import { limitPeaks } from './peak-limiter.ts';

describe('limitPeaks', () => {
  it('leaves sound below the ceiling as it is', () => {
    const input = Float32Array.from({ length: 2000 }, (_, index) => 0.5 * Math.sin(index));
    const output = input.slice();
    limitPeaks(output, 2, 48_000, 0.9);
    expect(output).toEqual(input);
  });

  it('turns everything near a peak down smoothly, in all channels, and nothing else', () => {
    const waveform = new Float32Array(4000).fill(0.4);
    waveform[1000] = 2;
    limitPeaks(waveform, 2, 48_000, 0.5);
    expect(waveform[1000]).toBeCloseTo(0.5);
    expect(waveform[3000]).toBeCloseTo(0.1);
    expect(waveform[1000 - 481]).toBeCloseTo(0.4);
    expect(waveform[1000 + 481]).toBeCloseTo(0.4);
    const slopes = waveform.subarray(0, 999).map((value, index) => Math.abs(elementAt(waveform, index + 1) - value));
    expect(Math.max(...slopes)).toBeLessThan(0.002);
  });
});
