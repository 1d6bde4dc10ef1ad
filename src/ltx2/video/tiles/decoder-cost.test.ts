import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decoderGraph, publishedDecoder as published } from '../../../../test/support/decoder-graph.ts';
import { graphTargets } from '../../../graph/graph-target.ts';
import { networkGraph } from '../../../graph/network.ts';
import { openCheckpoint } from '../../../graph/weights/checkpoint.ts';
import { configOf, type VideoVaeConfig } from '../../config.ts';
import { videoDecoder } from '../video-decoder.ts';
import { defaultTiling } from './decode-tiles.ts';
import {
  chooseTiling,
  type DecoderGraph,
  decoderFlops,
  estimateDecodeMemory,
  tiledDecoderFlops,
} from './decoder-cost.ts';

const bundle = join(import.meta.dirname, '../../../../test/fixtures/parity/checkpoint/ltx-2-tiny.safetensors');
const checkpoint = await openCheckpoint(bundle);
const config = configOf(checkpoint, 'vae');

test('a convolution takes two operations per weight and position', () => {
  // Without blocks: 4 → 4 → 48 channels.
  const decoder = decoderGraph(
    { ...config, latent_channels: 4, decoder_blocks: [] },
    {
      'vae.per_channel_statistics.mean-of-means': [4],
      'vae.per_channel_statistics.std-of-means': [4],
      'vae.decoder.conv_in.conv.weight': [4, 4, 3, 3, 3],
      'vae.decoder.conv_out.conv.weight': [48, 4, 3, 3, 3],
    },
  );
  const cost = decoderFlops(decoder, { frames: 2, height: 3, width: 5 });
  expect(cost).toBe(2 * 27 * (4 * 4 + 4 * 48) * 2 * 3 * 5);
});

test('every weight of the network is counted', () => {
  // Kernels without biases, each evaluated at its own number of positions; at least once per latent position.
  const decoder = networkGraph(videoDecoder, graphTargets.cpu, checkpoint, config);
  const { weightElements } = decoder;
  expect(decoderFlops(decoder, { frames: 1, height: 1, width: 1 })).toBeGreaterThan(2 * 0.9 * weightElements);
});

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

test('cost and memory follow what the graph computes, block by block', () => {
  // One residual block of two convolutions, 4 channels wide, at the latent's own size.
  const kernel = [4, 4, 3, 3, 3];
  const shapes = {
    'vae.per_channel_statistics.mean-of-means': [4],
    'vae.per_channel_statistics.std-of-means': [4],
    'vae.decoder.conv_in.conv.weight': kernel,
    'vae.decoder.up_blocks.0.res_blocks.0.conv1.conv.weight': kernel,
    'vae.decoder.up_blocks.0.res_blocks.0.conv2.conv.weight': kernel,
    'vae.decoder.conv_out.conv.weight': [48, 4, 3, 3, 3],
  };
  const withBlocks = (decoder_blocks: VideoVaeConfig['decoder_blocks']): DecoderGraph =>
    decoderGraph({ ...config, latent_channels: 4, decoder_blocks }, shapes);
  const [without, one] = [withBlocks([]), withBlocks([['res_x', { num_layers: 1 }]])];
  const size = { frames: 2, height: 3, width: 5 };
  expect(decoderFlops(one, size) - decoderFlops(without, size)).toBe(2 * 2 * 27 * 4 * 4 * 2 * 3 * 5);
  expect(estimateDecodeMemory(one, size, defaultTiling)).toBe(estimateDecodeMemory(without, size, defaultTiling));
});
