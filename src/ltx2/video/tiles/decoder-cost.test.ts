import { join } from 'node:path';
import { expect, test } from 'vitest';
import { graphTargets } from '../../../graph/graph-target.ts';
import { networkGraph } from '../../../graph/network.ts';
import { openCheckpoint } from '../../../graph/weights/checkpoint.ts';
import { configOf } from '../../config.ts';
import { videoDecoder } from '../video-decoder.ts';
import { defaultTiling } from './decode-tiles.ts';
import { chooseTiling, decoderFlops, estimateDecodeMemory, tiledDecoderFlops } from './decoder-cost.ts';

const bundle = join(import.meta.dirname, '../../../../test/fixtures/parity/checkpoint/ltx-2-tiny.safetensors');
const checkpoint = await openCheckpoint(bundle);
const config = configOf(checkpoint, 'vae');

test('a convolution takes two operations per weight and position', () => {
  // Without blocks: 4 → 4 → 48 channels.
  const cost = decoderFlops({ ...config, decoder_blocks: [] }, { frames: 2, height: 3, width: 5 });
  expect(cost).toBe(2 * 27 * (4 * 4 + 4 * 48) * 2 * 3 * 5);
});

test('every weight of the network is counted', () => {
  // Kernels without biases, each evaluated at its own number of positions; at least once per latent position.
  const { weightElements } = networkGraph(videoDecoder, graphTargets.cpu, checkpoint, configOf(checkpoint, 'vae'));
  expect(decoderFlops(config, { frames: 1, height: 1, width: 1 })).toBeGreaterThan(2 * 0.9 * weightElements);
});

const published = { ...config, latent_channels: 128, decoder_base_channels: 128 };
const latent = { frames: 16, height: 24, width: 32 };

test('the published decoder takes 120 TFLOP for 121 frames of 1024×768, and tiles bound its memory', () => {
  const whole = decoderFlops(published, latent);
  expect(whole / 1e12).toBeCloseTo(120.4, 1);
  expect(tiledDecoderFlops(published, latent, defaultTiling)).toBeGreaterThan(whole);
  const memory = estimateDecodeMemory(published, latent, defaultTiling);
  expect(estimateDecodeMemory(published, { ...latent, frames: 61 }, defaultTiling)).toBe(memory);
});

test('a tiling chosen for a memory limit keeps to it and does less work the more there is', () => {
  expect(chooseTiling(published, latent)).toBe(defaultTiling);
  const limits = [3e9, 8e9, 40e9];
  const tilings = limits.map((limit) => chooseTiling(published, latent, limit));
  const work = tilings.map((tiling) => tiledDecoderFlops(published, latent, tiling));
  tilings.forEach((tiling, at) => {
    expect(estimateDecodeMemory(published, latent, tiling)).toBeLessThanOrEqual(limits[at] ?? 0);
  });
  expect(work).toEqual(work.toSorted((a, b) => b - a));
  expect(work[2]).toBe(decoderFlops(published, latent));
});
