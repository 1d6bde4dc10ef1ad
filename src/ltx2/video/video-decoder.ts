import { addDimensions, symbol } from '../../graph/dimension.ts';
import { floatInput, network } from '../../graph/network.ts';
import { add } from '../../graph/operations/arithmetic.ts';
import { concat, reflectEdges, reshape, slice } from '../../graph/operations/shapes.ts';
import { axisLength, knownLength, type Value } from '../../graph/value.ts';
import type { ModuleWeights } from '../../graph/weights/module-weights.ts';
import { SoundstageError } from '../../shared/errors.ts';
import type { VideoVaeConfig } from '../config.ts';
import { denormalizeLatent, latentStatistics } from '../layers/latent-statistics.ts';
import { activate, residualBlocks } from './residual-block.ts';
import { depthToSpace, unpatchify } from './space-to-depth.ts';

/**
 * The video autoencoder's decoder. Input `latent [1, C, f, h, w]`, normalized; h and w at least 2 (reflected edges).
 * Output `video [1, 3, 8·(f−1)+1, 32·h, 32·w]`, about −1…1 and not clamped.
 */
export const videoDecoder = network({
  inputs: ({ latent_channels: C }: VideoVaeConfig) => ({
    latent: floatInput(1, C, symbol('f'), symbol('h'), symbol('w')),
  }),

  build(graph, weights, { latent }, config) {
    const decoder = weights.at('vae.decoder');
    const statistics = latentStatistics(weights.at('vae'), [1, config.latent_channels, 1, 1, 1]);
    let x = denormalizeLatent(latent, statistics); // [1, C, f, h, w]
    x = reflectConvolve(x, decoder, 'conv_in.conv'); // [1, 8·base, f, h, w]
    config.decoder_blocks.toReversed().forEach((block, index) => {
      x = graph.scoped(`up_blocks.${index}`, () => upBlock(decoder.at(`up_blocks.${index}`), x, block));
    }); // [1, base, 8·(f−1)+1, 8·h, 8·w]
    x = reflectConvolve(activate(x), decoder, 'conv_out.conv'); // [1, 3·p·p, T, H, W]
    return { video: unpatchify(x, config.patch_size) }; // [1, 3, T, p·H, p·W]
  },
});

function upBlock(weights: ModuleWeights, x: Value, [kind, settings]: VideoVaeConfig['decoder_blocks'][number]): Value {
  if (kind === 'res_x') return residualBlocks(weights, x, settings.num_layers ?? 1, reflectConvolve);
  if (kind === 'compress_all' && settings.residual === true) return upsample(weights, x);
  throw new SoundstageError('weights', `the video decoder block "${kind}" is not supported`);
}

/**
 * `[1, C, T, H, W]` → `[1, C', 2·T−1, 2·H, 2·W]`. The skip path is the unfolded input repeated to C' channels; repeating
 * before unfolding gives the same, so the sum is taken on the folded side and unfolded once.
 */
function upsample(weights: ModuleWeights, x: Value): Value {
  const main = reflectConvolve(x, weights, 'conv.conv'); // [1, 8·C', T, H, W]
  const repeats = knownLength(main, 1) / knownLength(x, 1);
  const sum = add(reshape(main, [repeats, ...x.shape.slice(1)]), x); // [repeats, C, T, H, W]
  const unfolded = depthToSpace(reshape(sum, main.shape), [2, 2, 2]); // [1, C', 2·T, 2·H, 2·W]
  return slice(unfolded, 2, 1); // [1, C', 2·T−1, 2·H, 2·W]
}

/** 3×3×3, first and last frame repeated once, frames reflected at their edges. */
function reflectConvolve(x: Value, weights: ModuleWeights, module: string): Value {
  const last = addDimensions(axisLength(x, 2), -1);
  const frames = concat([slice(x, 2, 0, 1), x, slice(x, 2, last)], 2); // [1, C, T+2, H, W]
  const padded = reflectEdges(frames, [3, 4]); // [1, C, T+2, H+2, W+2]
  return weights.convolve(padded, module); // [1, C', T, H, W]
}
