import { addDimensions, multiplyDimensions, symbol } from '../../graph/dimension.ts';
import { Graph } from '../../graph/graph.ts';
import type { GraphModel } from '../../graph/graph-model.ts';
import type { GraphTarget } from '../../graph/graph-target.ts';
import { slice } from '../../graph/operations/shapes.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { AudioVaeConfig } from '../config.ts';
import { ModuleWeights } from '../module-weights.ts';
import { checkLatentRate } from './audio-latents.ts';
import { normalizeLatent } from './latent-statistics.ts';
import { activate, causalPadding, residualBlock } from './residual-block.ts';

/**
 * The audio autoencoder's encoder: log-mel to normalised latent.
 *
 * input `mel [1, 2, 4t−3, bins]` f32; output `latent [1, z, t, bins/4]` f32. A latent depends on no later mel frame
 * than its own, so a longer mel spectrogram is cut to `melFramesOf(t)` frames without changing the result.
 */
export function buildAudioEncoder(target: GraphTarget, checkpoint: Checkpoint, config: AudioVaeConfig): GraphModel {
  checkLatentRate(config, checkpoint.path);
  const { in_channels, mel_bins, z_channels, num_res_blocks, ch_mult } = config.model.params.ddconfig;
  const g = new Graph(target);
  const encoder = new ModuleWeights(g, checkpoint, 'audio_vae.encoder.');
  const stride = 2 ** (ch_mult.length - 1);
  const frames = addDimensions(multiplyDimensions(symbol('t'), stride), 1 - stride);

  const mel = g.activation('mel', [1, in_channels, frames, mel_bins]);
  let x = encoder.convolve(mel, 'conv_in.conv', causalPadding); // [1, 128, 4t−3, 64]
  for (let level = 0; level < ch_mult.length; level++) {
    g.scoped(`down.${level}`, () => {
      const down = encoder.at(`down.${level}`);
      for (let block = 0; block < num_res_blocks; block++) x = residualBlock(g, x, down.at(`block.${block}`));
      if (level === ch_mult.length - 1) return;
      x = down.convolve(x, 'downsample.conv', { before: [2, 0], after: [0, 1], strides: [2, 2] });
    });
  } // [1, 256, 2t−1, 32], then [1, 512, t, 16]
  x = residualBlock(g, x, encoder.at('mid.block_1'));
  x = residualBlock(g, x, encoder.at('mid.block_2'));
  x = encoder.convolve(activate(g, x), 'conv_out.conv', causalPadding); // [1, 2z, t, 16]
  const mean = slice(x, 1, 0, z_channels); // the rest is the logarithm of the variance
  g.output('latent', normalizeLatent(mean, new ModuleWeights(g, checkpoint, 'audio_vae.')));
  return g.build();
}
