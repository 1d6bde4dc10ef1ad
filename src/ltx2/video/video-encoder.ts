import { addDimensions, multiplyDimensions, symbol } from '../../graph/dimension.ts';
import { Graph } from '../../graph/graph.ts';
import type { GraphModel } from '../../graph/graph-model.ts';
import type { GraphTarget } from '../../graph/graph-target.ts';
import { add, reduceMean } from '../../graph/operations/arithmetic.ts';
import { concat, reshape, slice, splitAxis } from '../../graph/operations/shapes.ts';
import { knownLength, type Value } from '../../graph/value.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { type Checkpoint, configSection } from '../checkpoint.ts';
import { parseConfig, type VideoVaeConfig } from '../config.ts';
import { ModuleWeights } from '../module-weights.ts';
import { normalizeLatent } from './latent-statistics.ts';
import { activate, type Convolution, residualBlocks } from './residual-block.ts';
import { type Factors, patchify, spaceToDepth } from './space-to-depth.ts';

/**
 * The video encoder. Input `video [1, 3, 8·f+1, 32·h, 32·w]` float32 in −1…1, output `latent [1, C, f+1, h, w]`
 * float32: the mean, normalised with the per-channel statistics.
 *
 * @throws SoundstageError `weights` if tensors are missing or the configuration is not supported
 */
export function buildVideoEncoder(checkpoint: Checkpoint, target: GraphTarget): GraphModel {
  const config = parseConfig('vae', configSection(checkpoint, 'vae'), checkpoint.path);
  const g = new Graph(target);
  const weights = new ModuleWeights(g, checkpoint, 'vae.encoder.');
  const convolve: Convolution = (x, at, module) => causalConvolve(x, at, module);

  const frames = addDimensions(multiplyDimensions(symbol('f'), 8), 1);
  const video = [1, 3, frames, multiplyDimensions(symbol('h'), 32), multiplyDimensions(symbol('w'), 32)];
  let x = patchify(g.activation('video', video), config.patch_size); // [1, 48, T, 8·h, 8·w]
  x = convolve(x, weights, 'conv_in.conv'); // [1, base, T, 8·h, 8·w]
  config.encoder_blocks.forEach((block, index) => {
    x = g.scoped(`down_blocks.${index}`, () => downBlock(g, x, block, weights.at(`down_blocks.${index}`), convolve));
  });
  x = convolve(activate(g, x), weights, 'conv_out.conv'); // [1, C+1, f+1, h, w]; the last channel is the log-variance
  const mean = slice(x, 1, 0, config.latent_channels); // [1, C, f+1, h, w]
  g.output('latent', normalizeLatent(g, mean, checkpoint));
  return g.build();
}

const strides: Readonly<Record<string, Factors>> = {
  compress_space_res: [1, 2, 2],
  compress_time_res: [2, 1, 1],
  compress_all_res: [2, 2, 2],
};

function downBlock(
  g: Graph,
  x: Value,
  [kind, settings]: VideoVaeConfig['encoder_blocks'][number],
  weights: ModuleWeights,
  convolve: Convolution,
): Value {
  if (kind === 'res_x') return residualBlocks(g, x, settings.num_layers ?? 1, weights, convolve);
  const factors = strides[kind];
  if (factors === undefined) throw new SoundstageError('weights', `the video encoder block "${kind}" is not supported`);
  return downsample(x, factors, settings.multiplier ?? 2, weights, convolve);
}

/** `[1, C, T, H, W]` → `[1, multiplier·C, T/a, H/e, W/f]`; an odd T is made even with a copy of the first frame. */
function downsample(
  x: Value,
  factors: Factors,
  multiplier: number,
  weights: ModuleWeights,
  convolve: Convolution,
): Value {
  const even = factors[0] === 1 ? x : concat([slice(x, 2, 0, 1), x], 2); // [1, C, T+1, H, W]
  const main = spaceToDepth(convolve(even, weights, 'conv.conv'), factors); // [1, multiplier·C, T', H', W']
  const folded = spaceToDepth(even, factors); // [1, C·a·e·f, T', H', W']
  const group = knownLength(folded, 1) / (multiplier * knownLength(x, 1));
  const groups = splitAxis(folded, 1, [undefined, group]); // [1, multiplier·C, group, T', H', W']
  const skip = group === 1 ? folded : reshape(reduceMean(groups, [2]), main.shape); // [1, multiplier·C, T', H', W']
  return add(main, skip);
}

/** 3×3×3, two copies of the first frame in front, zeros around each frame. */
function causalConvolve(x: Value, weights: ModuleWeights, module: string): Value {
  const first = slice(x, 2, 0, 1);
  const padded = concat([first, first, x], 2); // [1, C, T+2, H, W]
  return weights.convolve(padded, module, { before: [0, 1, 1] }); // [1, C', T, H, W]
}
