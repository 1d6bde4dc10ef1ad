import { addDimensions, multiplyDimensions, symbol } from '../../graph/dimension.ts';
import { floatInput, network } from '../../graph/network.ts';
import { slice } from '../../graph/operations/shapes.ts';
import type { AudioVaeConfig } from '../config.ts';
import { latentStatistics, normalizeLatent } from '../layers/latent-statistics.ts';
import { latentStride } from './audio-latents.ts';
import { activate, causalPadding, residualBlock } from './residual-block.ts';

/**
 * The audio autoencoder's encoder. Input `mel [1, 2, 4t−3, bins]`, logarithmic; output `latent [1, z, t, bins/4]`: the mean,
 * normalized. A latent depends on no later mel frame than its own, so a longer mel spectrogram is cut to `melFramesOf(t)`
 * frames without changing the result.
 */
export const audioEncoder = network({
  inputs: (config: AudioVaeConfig) => {
    const { in_channels, mel_bins } = config.model.params.ddconfig;
    const stride = latentStride(config);
    return {
      mel: floatInput(1, in_channels, addDimensions(multiplyDimensions(symbol('t'), stride), 1 - stride), mel_bins),
    };
  },

  build(graph, weights, { mel }, config) {
    const { mel_bins, z_channels, num_res_blocks, ch_mult } = config.model.params.ddconfig;
    const encoder = weights.at('audio_vae.encoder');
    let x = encoder.convolve(mel, 'conv_in.conv', causalPadding); // [1, C, 4t−3, M]
    for (let level = 0; level < ch_mult.length; level++) {
      const down = encoder.at(`down.${level}`);
      graph.scoped(`down.${level}`, () => {
        for (let block = 0; block < num_res_blocks; block++) x = residualBlock(down.at(`block.${block}`), x); // [1, C', T, M]
        if (level === ch_mult.length - 1) return;
        x = down.convolve(x, 'downsample.conv', { before: [2, 0], after: [0, 1], strides: [2, 2] }); // [1, C', (T+1)/2, M/2]
      });
    } // [1, 2C, 2t−1, M/2], then [1, 4C, t, M/4]
    x = residualBlock(encoder.at('mid.block_1'), x); // [1, 4C, t, M/4]
    x = residualBlock(encoder.at('mid.block_2'), x); // [1, 4C, t, M/4]
    x = encoder.convolve(activate(x), 'conv_out.conv', causalPadding); // [1, 2z, t, M/4]
    const mean = slice(x, 1, 0, z_channels); // [1, z, t, M/4]; the rest is the logarithm of the variance
    const statistics = latentStatistics(weights.at('audio_vae'), [z_channels, 1, mel_bins / latentStride(config)]);
    return { latent: normalizeLatent(mean, statistics) }; // [1, z, t, M/4]
  },
});
