import { divide, multiply, squareRoot } from '../../graph/operations/arithmetic.ts';
import { channelMean } from '../../graph/operations/convolution.ts';
import { cast } from '../../graph/operations/shapes.ts';
import type { Value } from '../../graph/value.ts';

/** Divides by the root mean square over the channels: `[1, C, …]` → same. */
export function pixelNormalize(x: Value, epsilon: number): Value {
  // In float32: 16 bits cannot hold the squares next to a small epsilon.
  const wide = cast(x, 'float32'); // [1, C, …]
  const meanSquare = channelMean(multiply(wide, wide), epsilon); // [1, 1, …]
  return divide(x, cast(squareRoot(meanSquare), x.dtype)); // [1, C, …]
}
