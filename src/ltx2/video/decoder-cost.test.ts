import { join } from 'node:path';
import { expect, test } from 'vitest';
import { graphTargets } from '../../graph/graph-core.ts';
import { configSection, openCheckpoint } from '../checkpoint.ts';
import { parseConfig } from '../config.ts';
import { defaultTiling } from './decode-tiles.ts';
import { decoderFlops, estimateDecodeMemory, tiledDecoderFlops } from './decoder-cost.ts';
import { buildVideoDecoder } from './video-decoder.ts';

const bundle = join(import.meta.dirname, '../../../test/fixtures/parity/checkpoint/ltx-2-tiny.safetensors');
const checkpoint = await openCheckpoint(bundle);
const config = parseConfig('vae', configSection(checkpoint, 'vae'), bundle);

test('without up-sampling every weight is used twice per latent position', () => {
  const flat = config.decoder_blocks.filter(([kind]) => kind === 'res_x');
  const altered = { ...checkpoint, config: { vae: { ...config, decoder_blocks: flat.slice(0, 0) } } };
  // conv_in to the width conv_out expects: 4 → 4 → 48 channels.
  const positions = 2 * 3 * 5;
  const cost = decoderFlops({ ...config, decoder_blocks: [] }, { frames: 2, height: 3, width: 5 });
  expect(cost).toBe(2 * 27 * (4 * 4 + 4 * 48) * positions);
  expect(altered).toBeDefined();
});

test('every weight of the network is counted', () => {
  // Kernels without biases, each evaluated at its own number of positions; at least once per latent position.
  const { weightElements } = buildVideoDecoder(checkpoint, graphTargets.cpu, 'planar');
  expect(decoderFlops(config, { frames: 1, height: 1, width: 1 })).toBeGreaterThan(2 * 0.9 * weightElements);
});

test('the published decoder takes about 1.2 PFLOP for 121 frames of 1024×768 and is tiled into bounded memory', () => {
  const published = { ...config, latent_channels: 128, decoder_base_channels: 128 };
  const latent = { frames: 16, height: 24, width: 32 };
  const whole = decoderFlops(published, latent);
  expect(whole).toBeGreaterThan(1e14);
  expect(tiledDecoderFlops(published, latent, defaultTiling)).toBeGreaterThan(whole);
  const memory = estimateDecodeMemory(published, latent, defaultTiling);
  expect(estimateDecodeMemory(published, { ...latent, frames: 61 }, defaultTiling)).toBe(memory);
});
