import type { Graph } from '../../graph/graph.ts';
import { add, silu } from '../../graph/operations/arithmetic.ts';
import type { Value } from '../../graph/value.ts';
import type { ModuleWeights } from '../module-weights.ts';
import { pixelNormalize } from '../pixel-norm.ts';

/** A 3×3×3 convolution that keeps the size, with the padding of the network it belongs to. */
export type Convolution = (x: Value, weights: ModuleWeights, module: string) => Value;

const epsilon = 1e-8;

/** Pixel norm and silu, which precede every convolution inside the networks. */
export function activate(g: Graph, x: Value): Value {
  return silu(pixelNormalize(g, x, epsilon));
}

/** `layers` residual blocks in a row: `[1, C, T, H, W]` → same. */
export function residualBlocks(
  g: Graph,
  x: Value,
  layers: number,
  weights: ModuleWeights,
  convolve: Convolution,
): Value {
  let y = x;
  for (let layer = 0; layer < layers; layer++) {
    const block = weights.at(`res_blocks.${layer}`);
    const hidden = convolve(activate(g, y), block, 'conv1.conv'); // [1, C, T, H, W]
    y = add(y, convolve(activate(g, hidden), block, 'conv2.conv')); // [1, C, T, H, W]
  }
  return y;
}
