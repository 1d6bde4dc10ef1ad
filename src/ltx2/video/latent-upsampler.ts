import { multiplyDimensions, symbol } from '../../graph/dimension.ts';
import { floatInput, network } from '../../graph/network.ts';
import { add, multiply, silu } from '../../graph/operations/arithmetic.ts';
import { instanceNormalize } from '../../graph/operations/layers.ts';
import { reshape, splitAxis, transpose } from '../../graph/operations/shapes.ts';
import { axisLength, knownLength, type Value } from '../../graph/value.ts';
import type { ModuleWeights } from '../../graph/weights/module-weights.ts';
import type { UpsamplerConfig } from '../config.ts';
import { denormalizeLatent, latentStatistics, normalizeLatent } from '../layers/latent-statistics.ts';
import type { LatentSize } from '../sampling/positions.ts';

/** Zero padding that keeps the size under a 3×3×3 kernel. */
const same = { before: [1, 1, 1] };
const groups = 32;
const epsilon = 1e-5;

export interface UpsamplerForm extends UpsamplerConfig {
  /** Of the latents that are taken. Known, it allows of faster convolutions where rows or frames come in fours; default any. */
  readonly size?: LatentSize | undefined;
}

/**
 * Doubles height and width of a latent: input `latent [1, C, f, h, w]`, output `upsampled [1, C, f, 2·h, 2·w]`, both
 * normalized with the video autoencoder's statistics, so that the weights are those of an upscaler and of its bundle.
 * Group statistics span the whole clip: it cannot be tiled.
 */
export const latentUpsampler = network({
  inputs: ({ in_channels: C, size }: UpsamplerForm) => ({
    latent: floatInput(1, C, size?.frames ?? symbol('f'), size?.height ?? symbol('h'), size?.width ?? symbol('w')),
  }),

  build(graph, weights, { latent }, config) {
    const statistics = latentStatistics(weights.at('vae'), [1, config.in_channels, 1, 1, 1]);
    const layers = Array.from({ length: config.num_blocks_per_stage }, (_, index) => index);
    let x = denormalizeLatent(latent, statistics); // [1, C, f, h, w]
    x = weights.convolve(x, 'initial_conv', same); // [1, mid, f, h, w]
    x = silu(groupNormalize(weights, x, 'initial_norm')); // [1, mid, f, h, w]
    for (const layer of layers) x = residualBlock(weights.at(`res_blocks.${layer}`), x); // [1, mid, f, h, w]
    x = graph.scoped('upsampler', () => doubleFrames(weights.at('upsampler'), x)); // [1, mid, f, 2·h, 2·w]
    for (const layer of layers) x = residualBlock(weights.at(`post_upsample_res_blocks.${layer}`), x); // same
    x = weights.convolve(x, 'final_conv', same); // [1, C, f, 2·h, 2·w]
    return { upsampled: normalizeLatent(x, statistics) }; // [1, C, f, 2·h, 2·w]
  },
});

/** `[1, C, f, h, w]` → same. */
function residualBlock(weights: ModuleWeights, x: Value): Value {
  const hidden = silu(groupNormalize(weights, weights.convolve(x, 'conv1', same), 'norm1')); // [1, C, f, h, w]
  return silu(add(x, groupNormalize(weights, weights.convolve(hidden, 'conv2', same), 'norm2'))); // [1, C, f, h, w]
}

/** Frame by frame, `[1, C, f, h, w]` → `[1, C, f, 2·h, 2·w]`: 3×3 convolution to four times the channels, pixel shuffle. */
function doubleFrames(weights: ModuleWeights, x: Value): Value {
  const [C, f, h, w] = [knownLength(x, 1), axisLength(x, 2), axisLength(x, 3), axisLength(x, 4)];
  const frames = reshape(transpose(x, [0, 2, 1, 3, 4]), [f, C, h, w]); // [f, C, h, w]
  const folded = weights.convolve(frames, 'conv', { before: [1, 1] }); // [f, 4·C, h, w]
  const blocks = splitAxis(folded, 1, [C, 2, 2]); // [f, C, i, j, h, w]
  const shuffled = transpose(blocks, [1, 0, 4, 2, 5, 3]); // [C, f, h, i, w, j]
  return reshape(shuffled, [1, C, f, multiplyDimensions(h, 2), multiplyDimensions(w, 2)]); // [1, C, f, 2·h, 2·w]
}

/** Group norm over channels / 32 and all frames and positions, statistics in float32: `[1, C, f, h, w]` → same. */
function groupNormalize(weights: ModuleWeights, x: Value, module: string): Value {
  const grouped = splitAxis(x, 1, [groups, undefined]); // [1, 32, C/32, f, h, w]
  const normalized = reshape(instanceNormalize(grouped, epsilon), x.shape); // [1, C, f, h, w]
  const perChannel = [1, knownLength(x, 1), 1, 1, 1];
  const scale = reshape(weights.parameter(`${module}.weight`), perChannel); // [1, C, 1, 1, 1]
  const shift = reshape(weights.parameter(`${module}.bias`), perChannel); // [1, C, 1, 1, 1]
  return add(multiply(normalized, scale), shift); // [1, C, f, h, w]
}
