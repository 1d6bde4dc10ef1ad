import { add, silu } from '../../graph/operations/arithmetic.ts';
import type { Value } from '../../graph/value.ts';
import type { ModuleWeights } from '../../graph/weights/module-weights.ts';
import { pixelNormalize } from '../layers/pixel-norm.ts';

const epsilon = 1e-6;

/** Zeros around a 3×3 convolution over [time, mel] that sees no later time. */
export const causalPadding = { before: [2, 1], after: [0, 1] } as const;

/** `x [1, C, T, M]` → `[1, C', T, M]`; C' from the weights. */
export function residualBlock(weights: ModuleWeights, x: Value): Value {
  const hidden = weights.convolve(activate(x), 'conv1.conv', causalPadding); // [1, C', T, M]
  const y = weights.convolve(activate(hidden), 'conv2.conv', causalPadding); // [1, C', T, M]
  const shortcut = weights.has('nin_shortcut.conv.weight') ? weights.convolve(x, 'nin_shortcut.conv') : x; // [1, C', T, M]
  return add(shortcut, y); // [1, C', T, M]
}

/** What precedes every convolution inside the networks. */
export function activate(x: Value): Value {
  return silu(pixelNormalize(x, epsilon));
}
