import { multiplyDimensions, symbol } from '../../graph/dimension.ts';
import { Graph } from '../../graph/graph.ts';
import type { GraphModel } from '../../graph/graph-model.ts';
import type { GraphTarget } from '../../graph/graph-target.ts';
import { add, multiply, silu } from '../../graph/operations/arithmetic.ts';
import { instanceNormalize } from '../../graph/operations/layers.ts';
import { reshape, splitAxis, transpose } from '../../graph/operations/shapes.ts';
import { axisLength, knownLength, type Value } from '../../graph/value.ts';
import type { Checkpoint } from '../checkpoint.ts';
import { parseConfig } from '../config.ts';
import { ModuleWeights } from '../module-weights.ts';
import { denormalizeLatent, normalizeLatent } from './latent-statistics.ts';

/** Zero padding that keeps the size under a 3×3×3 kernel. */
const same = { before: [1, 1, 1] };
const groups = 32;
const epsilon = 1e-5;

/**
 * Doubles height and width of a latent: input `latent [1, C, f, h, w]`, output `upsampled [1, C, f, 2·h, 2·w]`, both
 * float32 and normalised with the video autoencoder's statistics, which live in `bundle`. Group statistics span the
 * whole clip, so it cannot be tiled.
 *
 * @throws SoundstageError `weights` if tensors are missing or the configuration is not supported
 */
export function buildLatentUpsampler(upscaler: Checkpoint, bundle: Checkpoint, target: GraphTarget): GraphModel {
  const config = parseConfig('upsampler', upscaler.config, upscaler.path);
  const g = new Graph(target);
  const weights = new ModuleWeights(g, upscaler, '');
  const layers = Array.from({ length: config.num_blocks_per_stage }, (_, index) => index);

  const latent = g.activation('latent', [1, config.in_channels, symbol('f'), symbol('h'), symbol('w')]);
  let x = denormalizeLatent(g, latent, bundle); // [1, C, f, h, w]
  x = weights.convolve(x, 'initial_conv', same); // [1, mid, f, h, w]
  x = silu(groupNormalize(x, weights, 'initial_norm'));
  for (const layer of layers) x = residualBlock(x, weights.at(`res_blocks.${layer}`));
  x = g.scoped('upsampler', () => doubleFrames(x, weights.at('upsampler'))); // [1, mid, f, 2·h, 2·w]
  for (const layer of layers) x = residualBlock(x, weights.at(`post_upsample_res_blocks.${layer}`));
  x = weights.convolve(x, 'final_conv', same); // [1, C, f, 2·h, 2·w]
  g.output('upsampled', normalizeLatent(g, x, bundle));
  return g.build();
}

function residualBlock(x: Value, weights: ModuleWeights): Value {
  const hidden = silu(groupNormalize(weights.convolve(x, 'conv1', same), weights, 'norm1'));
  return silu(add(x, groupNormalize(weights.convolve(hidden, 'conv2', same), weights, 'norm2')));
}

/** Frame by frame: 3×3 convolution to four times the channels, then pixel shuffle. */
function doubleFrames(x: Value, weights: ModuleWeights): Value {
  const [C, f, h, w] = [knownLength(x, 1), axisLength(x, 2), axisLength(x, 3), axisLength(x, 4)];
  const frames = reshape(transpose(x, [0, 2, 1, 3, 4]), [f, C, h, w]);
  const folded = weights.convolve(frames, 'conv', { before: [1, 1] }); // [f, 4·C, h, w]
  const blocks = splitAxis(folded, 1, [C, 2, 2]); // [f, C, i, j, h, w]
  const shuffled = transpose(blocks, [1, 0, 4, 2, 5, 3]); // [C, f, h, i, w, j]
  return reshape(shuffled, [1, C, f, multiplyDimensions(h, 2), multiplyDimensions(w, 2)]);
}

/** Group norm over channels / 32 and all frames and positions, statistics in float32. */
function groupNormalize(x: Value, weights: ModuleWeights, module: string): Value {
  const normalized = reshape(instanceNormalize(splitAxis(x, 1, [groups, undefined]), epsilon), x.shape);
  const perChannel = [1, knownLength(x, 1), 1, 1, 1];
  const scale = reshape(weights.parameter(`${module}.weight`), perChannel);
  const shift = reshape(weights.parameter(`${module}.bias`), perChannel);
  return add(multiply(normalized, scale), shift);
}
