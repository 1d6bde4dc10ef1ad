import type { Graph } from '../../graph/graph.ts';
import { knownLength, type Value } from '../../graph/value.ts';
import type { ModuleWeights } from '../module-weights.ts';

/** A 3×3×3 convolution that keeps the size, with the padding of the network it belongs to. */
export type Convolution = (x: Value, weights: ModuleWeights, module: string) => Value;

const epsilon = 1e-8;

/** Divides by the root mean square over the channels: `[1, C, T, H, W]` → same. */
function pixelNormalize(g: Graph, x: Value): Value {
  const C = knownLength(x, 1);
  // In float32: bf16 cannot hold the mean next to an epsilon of 1e-8.
  const wide = g.cast(x, 'float32');
  // A 1×1 convolution is how the runtime sums over channels fastest: several times faster than its reductions.
  const mean = g.constant(new Array(C).fill(1 / C), [1, C, 1, 1, 1], 'float32');
  const meanSquare = g.convolve(g.multiply(wide, wide), mean, g.constant([epsilon], [1], 'float32')); // [1, 1, T, H, W]
  return g.divide(x, g.cast(g.squareRoot(meanSquare), x.dtype)); // [1, C, T, H, W]
}

/** Pixel norm and silu, which precede every convolution inside the networks. */
export function activate(g: Graph, x: Value): Value {
  return g.silu(pixelNormalize(g, x));
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
    y = g.add(y, convolve(activate(g, hidden), block, 'conv2.conv')); // [1, C, T, H, W]
  }
  return y;
}
