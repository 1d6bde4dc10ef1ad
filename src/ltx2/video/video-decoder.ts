import { addDimensions, symbol } from '../../graph/dimension.ts';
import { Graph } from '../../graph/graph.ts';
import type { GraphModel } from '../../graph/graph-model.ts';
import type { GraphTarget } from '../../graph/graph-target.ts';
import { add, affine, clip } from '../../graph/operations/arithmetic.ts';
import { cast, concat, reflectEdges, reshape, slice, transpose } from '../../graph/operations/shapes.ts';
import { axisLength, knownLength, type Value } from '../../graph/value.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { type Checkpoint, configSection } from '../checkpoint.ts';
import { parseConfig, type VideoVaeConfig } from '../config.ts';
import { ModuleWeights } from '../module-weights.ts';
import { denormalizeLatent } from './latent-statistics.ts';
import { activate, type Convolution, residualBlocks } from './residual-block.ts';
import { depthToSpace, type Factors, unpatchify } from './space-to-depth.ts';

/**
 * The video decoder. Input `latent [1, C, f, h, w]` float32, normalised; h and w at least 2 (reflected edges). Output,
 * by `pixels`:
 * - `planar`: `video [1, 3, 8·(f−1)+1, 32·h, 32·w]` float32, about −1…1 and not clamped
 * - `rgb24`: `frames [8·(f−1)+1, 32·h, 32·w, 3]` uint8, truncated as the reference does
 *
 * @throws SoundstageError `weights` if tensors are missing or the configuration is not supported
 */
export function buildVideoDecoder(checkpoint: Checkpoint, target: GraphTarget, pixels: 'planar' | 'rgb24'): GraphModel {
  const config = parseConfig('vae', configSection(checkpoint, 'vae'), checkpoint.path);
  const g = new Graph(target);
  const weights = new ModuleWeights(g, checkpoint, 'vae.decoder.');
  const convolve: Convolution = (x, at, module) => reflectConvolve(x, at, module);

  const latent = g.activation('latent', [1, config.latent_channels, symbol('f'), symbol('h'), symbol('w')]);
  let x = denormalizeLatent(g, latent, checkpoint); // [1, C, f, h, w]
  x = convolve(x, weights, 'conv_in.conv'); // [1, 8·base, f, h, w]
  config.decoder_blocks.toReversed().forEach((block, index) => {
    x = g.scoped(`up_blocks.${index}`, () => upBlock(g, x, block, weights.at(`up_blocks.${index}`), convolve));
  });
  x = convolve(activate(g, x), weights, 'conv_out.conv'); // [1, 48, T, 8·h, 8·w]
  if (pixels === 'planar') g.output('video', unpatchify(x, config.patch_size));
  else g.output('frames', interleave(unpatchify(toBytes(x), config.patch_size)));
  return g.build();
}

function upBlock(
  g: Graph,
  x: Value,
  [kind, settings]: VideoVaeConfig['decoder_blocks'][number],
  weights: ModuleWeights,
  convolve: Convolution,
): Value {
  if (kind === 'res_x') return residualBlocks(g, x, settings.num_layers ?? 1, weights, convolve);
  if (kind === 'compress_all' && settings.residual === true) return upsample(x, [2, 2, 2], weights, convolve);
  throw new SoundstageError('weights', `the video decoder block "${kind}" is not supported`);
}

/**
 * `[1, C, T, H, W]` → `[1, C', 2·T−1, 2·H, 2·W]`. The skip path is the unfolded input repeated to C' channels; repeating
 * before unfolding gives the same, so the sum is taken on the folded side and unfolded once.
 */
function upsample(x: Value, factors: Factors, weights: ModuleWeights, convolve: Convolution): Value {
  const main = convolve(x, weights, 'conv.conv'); // [1, 8·C', T, H, W]
  const repeats = knownLength(main, 1) / knownLength(x, 1);
  const sum = add(reshape(main, [repeats, ...x.shape.slice(1)]), x); // [repeats, C, T, H, W]
  const unfolded = depthToSpace(reshape(sum, main.shape), factors); // [1, C', 2·T, 2·H, 2·W]
  return slice(unfolded, 2, 1); // [1, C', 2·T−1, 2·H, 2·W]
}

/** 3×3×3, first and last frame repeated once, frames reflected at their edges. */
function reflectConvolve(x: Value, weights: ModuleWeights, module: string): Value {
  const last = axisLength(x, 2);
  const frames = concat([slice(x, 2, 0, 1), x, slice(x, 2, addDimensions(last, -1))], 2); // [1, C, T+2, H, W]
  const padded = reflectEdges(frames, [3, 4]); // [1, C, T+2, H+2, W+2]
  return weights.convolve(padded, module); // [1, C', T, H, W]
}

/** −1…1 → 0…255, clamped and truncated; always in float32. */
function toBytes(x: Value): Value {
  const unit = clip(affine(cast(x, 'float32'), 0.5, 0.5), 0, 1);
  return cast(affine(unit, 255), 'uint8');
}

/** `[1, 3, T, H, W]` → `[T, H, W, 3]` */
function interleave(x: Value): Value {
  return reshape(transpose(x, [0, 2, 3, 4, 1]), [...x.shape.slice(2), 3]);
}
