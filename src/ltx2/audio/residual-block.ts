import type { Graph } from '../../graph/graph.ts';
import { knownLength, type Value } from '../../graph/value.ts';
import type { ModuleWeights } from '../module-weights.ts';

/** Zeros around a 3×3 convolution over [time, mel] that sees no later time. */
export const causalPadding = { before: [2, 1], after: [0, 1] } as const;

/** `x [1, C, T, M]` → `[1, C', T, M]`; C' from the weights. */
export function residualBlock(g: Graph, x: Value, weights: ModuleWeights): Value {
  let y = weights.convolve(g.silu(pixelNormalize(g, x)), 'conv1.conv', causalPadding); // [1, C', T, M]
  y = weights.convolve(g.silu(pixelNormalize(g, y)), 'conv2.conv', causalPadding);
  const shortcut = weights.has('nin_shortcut.conv.weight') ? weights.convolve(x, 'nin_shortcut.conv') : x;
  return g.add(shortcut, y);
}

/** Brings the root mean square over channels (axis 1) to 1. */
export function pixelNormalize(g: Graph, x: Value): Value {
  const wide = g.cast(x, 'float32'); // squares overflow f16, and 1e-6 vanishes in it
  const meanSquare = g.affine(g.reduceSumSquare(wide, [1]), 1 / knownLength(x, 1), 1e-6); // [1, 1, T, M]
  return g.cast(g.divide(wide, g.squareRoot(meanSquare)), x.dtype);
}
