import type { Graph } from '../graph/graph.ts';
import { knownLength, type Value } from '../graph/value.ts';

/** Divides by the root mean square over the channels: `[1, C, …]` → same. */
export function pixelNormalize(g: Graph, x: Value, epsilon: number): Value {
  // 16 bits cannot hold the squares next to a small epsilon.
  const wide = g.cast(x, 'float32');
  const meanSquare = g.affine(g.reduceSumSquare(wide, [1]), 1 / knownLength(x, 1), epsilon);
  return g.divide(x, g.cast(g.squareRoot(meanSquare), x.dtype));
}
