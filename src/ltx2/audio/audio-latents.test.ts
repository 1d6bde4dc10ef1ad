import { expect, test } from 'vitest';
import { floatTensor } from '../../graph/runtime/host-tensor.ts';
import { roundHalfToEven } from '../round-half-to-even.ts';
import { audioLatentCount, latentsOf, melFramesOf, patchifyAudio, unpatchifyAudio } from './audio-latents.ts';

test('halves are rounded to even', () => {
  expect([0.5, 1.5, 2.5, 2.49, 2.51, -1.5, 1e15].map(roundHalfToEven)).toEqual([0, 2, 2, 2, 3, -2, 1e15]);
});

test('25 audio latents per second', () => {
  expect([24, 25, 30].map((fps) => audioLatentCount(121, fps))).toEqual([126, 121, 101]);
  expect(audioLatentCount(9, 50)).toBe(4); // 4.5
  expect(audioLatentCount(11, 50)).toBe(6); // 5.5
});

test('mel frames and latents correspond', () => {
  expect([1, 2, 9, 127].map(melFramesOf)).toEqual([1, 5, 33, 505]);
  expect([1, 2, 33, 505, 506].map(latentsOf)).toEqual([1, 1, 9, 127, 127]);
});

test('tokens are channel-major and go back', () => {
  const latent = floatTensor(
    Float32Array.from({ length: 12 }, (_, index) => index),
    [1, 2, 3, 2],
  );
  const tokens = patchifyAudio(latent);
  expect(tokens.shape).toEqual([1, 3, 4]);
  expect(tokens.data.subarray(0, 4)).toEqual(Float32Array.of(0, 1, 6, 7));
  expect(unpatchifyAudio(tokens, 2)).toEqual(latent);
});
