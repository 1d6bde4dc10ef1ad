import { multiplyDimensions, symbol } from '../../graph/dimension.ts';
import { Graph } from '../../graph/graph.ts';
import type { GraphModel } from '../../graph/graph-model.ts';
import type { GraphTarget } from '../../graph/graph-target.ts';
import { expand, reshape } from '../../graph/operations/shapes.ts';
import { axisLength, knownLength, type Value } from '../../graph/value.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { AudioVaeConfig } from '../config.ts';
import { ModuleWeights } from '../module-weights.ts';
import { checkLatentRate } from './audio-latents.ts';
import { denormalizeLatent } from './latent-statistics.ts';
import { activate, causalPadding, residualBlock } from './residual-block.ts';

/**
 * The audio autoencoder's decoder: normalised latent to log-mel.
 *
 * input `latent [1, z, t, bins/4]` f32; output `mel [1, 2, 4t−3, bins]` f32.
 */
export function buildAudioDecoder(target: GraphTarget, checkpoint: Checkpoint, config: AudioVaeConfig): GraphModel {
  checkLatentRate(config, checkpoint.path);
  const { mel_bins, z_channels, num_res_blocks, ch_mult } = config.model.params.ddconfig;
  const g = new Graph(target);
  const decoder = new ModuleWeights(g, checkpoint, 'audio_vae.decoder.');
  const stride = 2 ** (ch_mult.length - 1);

  const latent = g.activation('latent', [1, z_channels, symbol('t'), mel_bins / stride]);
  let x = denormalizeLatent(latent, new ModuleWeights(g, checkpoint, 'audio_vae.'));
  x = decoder.convolve(x, 'conv_in.conv', causalPadding); // [1, 512, t, 16]
  x = residualBlock(g, x, decoder.at('mid.block_1'));
  x = residualBlock(g, x, decoder.at('mid.block_2'));
  for (let level = ch_mult.length - 1; level >= 0; level--) {
    g.scoped(`up.${level}`, () => {
      const up = decoder.at(`up.${level}`);
      for (let block = 0; block <= num_res_blocks; block++) x = residualBlock(g, x, up.at(`block.${block}`));
      if (level > 0) x = upsample(x, up.at('upsample'));
    });
  } // [1, 512, 2t−1, 32], then [1, 256, 4t−3, 64], then [1, 128, 4t−3, 64]
  x = decoder.convolve(activate(g, x), 'conv_out.conv', causalPadding); // [1, 2, 4t−3, 64]
  g.output('mel', x);
  return g.build();
}

/** `x [1, C, T, M]` → `[1, C, 2T−1, 2M]`: every element four times, a convolution, and no first row. */
function upsample(x: Value, weights: ModuleWeights): Value {
  const [channels, frames, bins] = [knownLength(x, 1), axisLength(x, 2), knownLength(x, 3)];
  const doubled = expand(reshape(x, [channels, frames, 1, bins, 1]), [channels, frames, 2, bins, 2]);
  const y = reshape(doubled, [1, channels, multiplyDimensions(frames, 2), bins * 2]);
  // One row of zeros less in front is the same as dropping the first row behind.
  return weights.convolve(y, 'conv.conv', { before: [1, 1], after: [0, 1] });
}
