import { symbol } from '../../graph/dimension.ts';
import { floatInput, network } from '../../graph/network.ts';
import { repeatPixels } from '../../graph/operations/shapes.ts';
import { knownLength, type Value } from '../../graph/value.ts';
import type { ModuleWeights } from '../../graph/weights/module-weights.ts';
import type { AudioVaeConfig } from '../config.ts';
import { denormalizeLatent, latentStatistics } from '../layers/latent-statistics.ts';
import { latentStride } from './audio-latents.ts';
import { activate, causalPadding, residualBlock } from './residual-block.ts';

/** The audio autoencoder's decoder. Input `latent [1, z, t, bins/4]`, normalized; output `mel [1, 2, 4t−3, bins]`, logarithmic. */
export const audioDecoder = network({
  inputs: (config: AudioVaeConfig) => {
    const { z_channels, mel_bins } = config.model.params.ddconfig;
    return { latent: floatInput(1, z_channels, symbol('t'), mel_bins / latentStride(config)) };
  },

  build(graph, weights, { latent }, config) {
    const { z_channels, num_res_blocks, ch_mult } = config.model.params.ddconfig;
    const decoder = weights.at('audio_vae.decoder');
    const statistics = latentStatistics(weights.at('audio_vae'), [z_channels, 1, knownLength(latent, 3)]);
    let x = denormalizeLatent(latent, statistics); // [1, z, t, M/4]
    x = decoder.convolve(x, 'conv_in.conv', causalPadding); // [1, 4C, t, M/4]
    x = residualBlock(decoder.at('mid.block_1'), x); // [1, 4C, t, M/4]
    x = residualBlock(decoder.at('mid.block_2'), x); // [1, 4C, t, M/4]
    for (let level = ch_mult.length - 1; level >= 0; level--) {
      const up = decoder.at(`up.${level}`);
      graph.scoped(`up.${level}`, () => {
        for (let block = 0; block <= num_res_blocks; block++) x = residualBlock(up.at(`block.${block}`), x); // [1, C', T, M]
        if (level > 0) x = upsample(up.at('upsample'), x); // [1, C', 2T−1, 2M]
      });
    } // [1, 4C, 2t−1, M/2], then [1, 2C, 4t−3, M], then [1, C, 4t−3, M]
    x = decoder.convolve(activate(x), 'conv_out.conv', causalPadding); // [1, 2, 4t−3, M]
    return { mel: x };
  },
});

/** `x [1, C, T, M]` → `[1, C, 2T−1, 2M]`: every element four times, a convolution, and no first row. */
function upsample(weights: ModuleWeights, x: Value): Value {
  // One row of zeros less in front is the same as dropping the first row behind.
  return weights.convolve(repeatPixels(x, 2), 'conv.conv', { before: [1, 1], after: [0, 1] });
}
