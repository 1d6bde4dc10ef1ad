import { add, silu } from '../../graph/operations/arithmetic.ts';
import type { Value } from '../../graph/value.ts';
import type { ModuleWeights } from '../../graph/weights/module-weights.ts';
import { pixelNormalize } from '../layers/pixel-norm.ts';

/** A 3×3×3 convolution that keeps the size, with the padding of the network it belongs to: `[1, C, T, H, W]` → `[1, C', T, H, W]`. */
export type Convolution = (x: Value, weights: ModuleWeights, module: string) => Value;

const epsilon = 1e-8;

/** Pixel norm and silu, which precede every convolution inside the networks. */
export function activate(x: Value): Value {
  return silu(pixelNormalize(x, epsilon));
}

/** `layers` residual blocks in a row: `[1, C, T, H, W]` → same. */
export function residualBlocks(weights: ModuleWeights, x: Value, layers: number, convolve: Convolution): Value {
  let y = x; // [1, C, T, H, W]
  for (let layer = 0; layer < layers; layer++) {
    const block = weights.at(`res_blocks.${layer}`);
    const hidden = convolve(activate(y), block, 'conv1.conv'); // [1, C, T, H, W]
    y = add(y, convolve(activate(hidden), block, 'conv2.conv')); // [1, C, T, H, W]
  }
  return y;
}
