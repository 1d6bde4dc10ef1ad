import { expect, test } from 'vitest';
import type { AudioVaeConfig } from '../../config.ts';
import { fourierTransform } from './fourier-transform.ts';
import { logMel } from './log-mel.ts';
import { melFilters, melFromHertz } from './mel-filters.ts';

const config = {
  model: { params: { sampling_rate: 16_000 } },
  preprocessing: {
    stft: { filter_length: 1024, hop_length: 160, win_length: 1024 },
    mel: { n_mel_channels: 64, mel_fmin: 0, mel_fmax: 8000 },
  },
} as AudioVaeConfig;

test('the transform equals its definition', () => {
  const length = 16;
  const real = Float64Array.from({ length }, (_, n) => Math.sin(n * n));
  const imaginary = Float64Array.from({ length }, (_, n) => Math.cos(3 * n));
  const [x, y] = [real.slice(), imaginary.slice()];
  fourierTransform(length)(real, imaginary);
  for (let k = 0; k < length; k++) {
    let [sumReal, sumImaginary] = [0, 0];
    for (let n = 0; n < length; n++) {
      const angle = (-2 * Math.PI * k * n) / length;
      sumReal += (x[n] as number) * Math.cos(angle) - (y[n] as number) * Math.sin(angle);
      sumImaginary += (x[n] as number) * Math.sin(angle) + (y[n] as number) * Math.cos(angle);
    }
    expect(real[k]).toBeCloseTo(sumReal, 12);
    expect(imaginary[k]).toBeCloseTo(sumImaginary, 12);
  }
  expect(() => fourierTransform(1000)).toThrow('power of two');
});

test('the mel filters have the published values', () => {
  const filters = melFilters({ bands: 64, lowest: 0, highest: 8000 }, 513, 16_000);
  expect(melFromHertz(8000)).toBeCloseTo(45.24564, 5);
  expect(filters.length).toBe(64);
  expect(filters[0]?.firstBin).toBe(1);
  const weights = Array.from(filters[0]?.weights ?? []);
  [0.00725564, 0.01451128, 0.02133115, 0.01407551, 0.00681987].forEach((expected, index) => {
    expect(weights[index]).toBeCloseTo(expected, 7);
  });
  expect(weights.length).toBe(5);
  expect(filters.every(({ firstBin, weights }) => firstBin + weights.length <= 513)).toBe(true);
});

test.for([
  [16_000, 101],
  [15_999, 100],
  [513, 4],
])('%d samples make %d frames', ([samples, frames]) => {
  const silence = new Float32Array(samples as number);
  const mel = logMel(silence, silence, config);
  expect(mel.shape).toEqual([1, 2, frames, 64]);
  expect(mel.data.every((value) => value === Math.fround(Math.log(1e-5)))).toBe(true);
});

test('a tone in one channel shows in that channel and band only', () => {
  const tone = Float32Array.from({ length: 16_000 }, (_, n) => Math.sin((2 * Math.PI * 1000 * n) / 16_000));
  const mel = logMel(new Float32Array(16_000), tone, config);
  const band = (channel: number, frame: number): Float32Array =>
    mel.data.subarray((channel * 101 + frame) * 64, (channel * 101 + frame + 1) * 64);
  expect(Math.max(...band(0, 50))).toBe(Math.fround(Math.log(1e-5)));
  const loudest = band(1, 50).indexOf(Math.max(...band(1, 50)));
  const expected = (melFromHertz(1000) / melFromHertz(8000)) * 65 - 1;
  expect(Math.abs(loudest - expected)).toBeLessThanOrEqual(1);
});

test('too few samples to mirror are refused', () => {
  expect(() => logMel(new Float32Array(512), new Float32Array(512), config)).toThrow('too few');
  expect(() => logMel(new Float32Array(600), new Float32Array(601), config)).toThrow('600 and 601');
});
