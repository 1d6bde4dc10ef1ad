import { describe, expect, it } from 'vitest';
import { preprocessConditioningAudio } from './conditioning-audio.ts';
import { integratedLoudness } from './loudness.ts';
import { channelsOf } from './waveform.ts';

const rate = 48_000;

/** `[2, seconds · rate]` */
function stereo(seconds: number, value: (index: number) => number): Float32Array {
  const samples = Float32Array.from({ length: seconds * rate }, (_, index) => value(index));
  return Float32Array.from([...samples, ...samples]);
}

function rms(samples: Float32Array): number {
  return Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
}

describe('preprocessConditioningAudio', () => {
  it('removes the offset, trims to the clip and brings the sound to −23 LUFS', () => {
    const input = stereo(4, (index) => 0.2 + 0.01 * Math.sin(index / 10));
    const output = preprocessConditioningAudio(input, rate, { seconds: 3 });
    expect(output).toHaveLength(2 * 3 * rate);
    for (const samples of channelsOf(output, 2)) {
      expect(Math.abs(samples.reduce((sum, value) => sum + value, 0) / samples.length)).toBeLessThan(1e-4);
    }
    expect(Math.abs(integratedLoudness(output, 2, rate) + 23)).toBeLessThan(0.1);
    expect(input[0]).toBeCloseTo(0.2);
  });

  it('keeps peaks below −1 dBFS plus the noise', () => {
    const input = stereo(3, (index) => (index % rate === 1000 ? 1 : 0.002 * Math.sin(index / 10)));
    const output = preprocessConditioningAudio(input, rate, { seconds: 3 });
    expect(output.reduce((peak, value) => Math.max(peak, Math.abs(value)), 0)).toBeLessThan(0.892 + 0.003);
  });

  it('makes noise of −60 dBFS out of silence, and nothing out of nothing', () => {
    const output = preprocessConditioningAudio(new Float32Array(2 * rate), rate, { seconds: 1 });
    expect(20 * Math.log10(rms(output))).toBeCloseTo(-60, 1);
    expect(preprocessConditioningAudio(new Float32Array(0), rate, { seconds: 1 })).toHaveLength(0);
  });

  it('depends on its seed only', () => {
    const make = (seed: number) => preprocessConditioningAudio(stereo(1, Math.sin), rate, { seconds: 1, seed });
    expect(make(1)).toEqual(make(1));
    expect(make(1)).not.toEqual(make(2));
  });
});
