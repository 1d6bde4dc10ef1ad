import type { Graph } from '../../graph/graph.ts';
import { add, silu } from '../../graph/operations/arithmetic.ts';
import type { Value } from '../../graph/value.ts';
import type { ModuleWeights } from '../module-weights.ts';
import { pixelNormalize } from '../pixel-norm.ts';

const epsilon = 1e-6;

/** Zeros around a 3×3 convolution over [time, mel] that sees no later time. */
export const causalPadding = { before: [2, 1], after: [0, 1] } as const;

/** `x [1, C, T, M]` → `[1, C', T, M]`; C' from the weights. */
export function residualBlock(g: Graph, x: Value, weights: ModuleWeights): Value {
  let y = weights.convolve(activate(g, x), 'conv1.conv', causalPadding); // [1, C', T, M]
  y = weights.convolve(activate(g, y), 'conv2.conv', causalPadding);
  const shortcut = weights.has('nin_shortcut.conv.weight') ? weights.convolve(x, 'nin_shortcut.conv') : x;
  return add(shortcut, y);
}

/** What precedes every convolution inside the networks. */
export function activate(g: Graph, x: Value): Value {
  return silu(pixelNormalize(g, x, epsilon));
}
