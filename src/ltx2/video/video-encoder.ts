import { addDimensions, multiplyDimensions, symbol } from '../../graph/dimension.ts';
import { floatInput, network } from '../../graph/network.ts';
import { add, reduceMean } from '../../graph/operations/arithmetic.ts';
import { concat, reshape, slice, splitAxis } from '../../graph/operations/shapes.ts';
import { knownLength, type Value } from '../../graph/value.ts';
import type { ModuleWeights } from '../../graph/weights/module-weights.ts';
import { SoundstageError } from '../../shared/errors.ts';
import type { VideoVaeConfig } from '../config.ts';
import { latentStatistics, normalizeLatent } from '../layers/latent-statistics.ts';
import { activate, residualBlocks } from './residual-block.ts';
import { type Factors, patchify, spaceToDepth } from './space-to-depth.ts';

/**
 * The video autoencoder's encoder. Input `video [1, 3, 8·f+1, 32·h, 32·w]` in −1…1, output `latent [1, C, f+1, h, w]`: the
 * mean, normalized.
 */
export const videoEncoder = network({
  inputs: (_: VideoVaeConfig) => {
    const frames = addDimensions(multiplyDimensions(symbol('f'), 8), 1);
    return {
      video: floatInput(1, 3, frames, multiplyDimensions(symbol('h'), 32), multiplyDimensions(symbol('w'), 32)),
    };
  },

  build(graph, weights, { video }, config) {
    const encoder = weights.at('vae.encoder');
    let x = patchify(video, config.patch_size); // [1, 3·p·p, T, 8·h, 8·w]
    x = causalConvolve(x, encoder, 'conv_in.conv'); // [1, base, T, 8·h, 8·w]
    config.encoder_blocks.forEach((block, index) => {
      x = graph.scoped(`down_blocks.${index}`, () => downBlock(encoder.at(`down_blocks.${index}`), x, block));
    }); // [1, 16·base, f+1, h, w]
    x = causalConvolve(activate(x), encoder, 'conv_out.conv'); // [1, C+1, f+1, h, w]; the last channel is the log-variance
    const mean = slice(x, 1, 0, config.latent_channels); // [1, C, f+1, h, w]
    const statistics = latentStatistics(weights.at('vae'), [1, config.latent_channels, 1, 1, 1]);
    return { latent: normalizeLatent(mean, statistics) }; // [1, C, f+1, h, w]
  },
});

const strides: Readonly<Record<string, Factors>> = {
  compress_space_res: [1, 2, 2],
  compress_time_res: [2, 1, 1],
  compress_all_res: [2, 2, 2],
};

function downBlock(
  weights: ModuleWeights,
  x: Value,
  [kind, settings]: VideoVaeConfig['encoder_blocks'][number],
): Value {
  if (kind === 'res_x') return residualBlocks(weights, x, settings.num_layers ?? 1, causalConvolve);
  const factors = strides[kind];
  if (factors === undefined) throw new SoundstageError('weights', `the video encoder block "${kind}" is not supported`);
  return downsample(weights, x, factors, settings.multiplier ?? 2);
}

/** `[1, C, T, H, W]` → `[1, multiplier·C, T/a, H/e, W/f]`; an odd T is made even with a copy of the first frame. */
function downsample(weights: ModuleWeights, x: Value, factors: Factors, multiplier: number): Value {
  const even = factors[0] === 1 ? x : concat([slice(x, 2, 0, 1), x], 2); // [1, C, T+1, H, W]
  const main = spaceToDepth(causalConvolve(even, weights, 'conv.conv'), factors); // [1, multiplier·C, T', H', W']
  const folded = spaceToDepth(even, factors); // [1, C·a·e·f, T', H', W']
  const group = knownLength(folded, 1) / (multiplier * knownLength(x, 1));
  const groups = splitAxis(folded, 1, [undefined, group]); // [1, multiplier·C, group, T', H', W']
  const skip = group === 1 ? folded : reshape(reduceMean(groups, [2]), main.shape); // [1, multiplier·C, T', H', W']
  return add(main, skip); // [1, multiplier·C, T', H', W']
}

/** 3×3×3, two copies of the first frame in front, zeros around each frame. */
function causalConvolve(x: Value, weights: ModuleWeights, module: string): Value {
  const first = slice(x, 2, 0, 1); // [1, C, 1, H, W]
  const padded = concat([first, first, x], 2); // [1, C, T+2, H, W]
  return weights.convolve(padded, module, { before: [0, 1, 1] }); // [1, C', T, H, W]
}
