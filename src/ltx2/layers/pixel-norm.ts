import { divide, multiply, squareRoot } from '../../graph/operations/arithmetic.ts';
import { convolve } from '../../graph/operations/convolution.ts';
import { cast } from '../../graph/operations/shapes.ts';
import { knownLength, type Value } from '../../graph/value.ts';

/** Divides by the root mean square over the channels: `[1, C, …]` → same. */
export function pixelNormalize(x: Value, epsilon: number): Value {
  const { graph } = x;
  const C = knownLength(x, 1);
  // In float32: 16 bits cannot hold the squares next to a small epsilon.
  const wide = cast(x, 'float32'); // [1, C, …]
  // A 1×1 convolution is how the runtime sums over channels fastest: several times faster than its reductions.
  const kernel = [1, C, ...x.shape.slice(2).map(() => 1)];
  const mean = graph.constant(new Array(C).fill(1 / C), kernel, 'float32');
  const meanSquare = convolve(multiply(wide, wide), mean, graph.constant([epsilon], [1], 'float32')); // [1, 1, …]
  return divide(x, cast(squareRoot(meanSquare), x.dtype)); // [1, C, …]
}
