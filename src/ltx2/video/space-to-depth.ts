import { multiplyDimensions } from '../../graph/dimension.ts';
import type { Graph } from '../../graph/graph.ts';
import { axisLength, knownLength, type Value } from '../../graph/value.ts';

/** Factors along time, height and width. */
export type Factors = readonly [time: number, height: number, width: number];

/**
 * Folds blocks of samples into channels: `[1, C, a·T, e·H, f·W]` → `[1, C·a·e·f, T, H, W]`, with the block's channel
 * slowest and its width offset fastest.
 */
export function spaceToDepth(g: Graph, x: Value, [a, e, f]: Factors): Value {
  const widthSplit = g.splitAxis(x, 4, [undefined, f]);
  const heightSplit = g.splitAxis(widthSplit, 3, [undefined, e]);
  const blocks = g.splitAxis(heightSplit, 2, [undefined, a]); // [1, C, T, a, H, e, W, f]
  const folded = g.transpose(blocks, [0, 1, 3, 5, 7, 2, 4, 6]); // [1, C, a, e, f, T, H, W]
  const [T, H, W] = [axisLength(folded, 5), axisLength(folded, 6), axisLength(folded, 7)];
  return g.reshape(folded, [1, knownLength(x, 1) * a * e * f, T, H, W]);
}

/** The inverse of `spaceToDepth`: `[1, C·a·e·f, T, H, W]` → `[1, C, a·T, e·H, f·W]`. */
export function depthToSpace(g: Graph, x: Value, [a, e, f]: Factors): Value {
  const [T, H, W] = [axisLength(x, 2), axisLength(x, 3), axisLength(x, 4)];
  const C = knownLength(x, 1) / (a * e * f);
  const blocks = g.splitAxis(x, 1, [C, a, e, f]); // [1, C, a, e, f, T, H, W]
  const unfolded = g.transpose(blocks, [0, 1, 5, 2, 6, 3, 7, 4]); // [1, C, T, a, H, e, W, f]
  const lengths = [multiplyDimensions(T, a), multiplyDimensions(H, e), multiplyDimensions(W, f)];
  return g.reshape(unfolded, [1, C, ...lengths]);
}

/**
 * Folds p×p pixels into channels: `[1, C, T, p·H, p·W]` → `[1, C·p·p, T, H, W]`. Unlike in `spaceToDepth` the offset
 * along the width is the slower one.
 */
export function patchify(g: Graph, x: Value, p: number): Value {
  const patches = g.splitAxis(g.splitAxis(x, 4, [undefined, p]), 3, [undefined, p]); // [1, C, T, H, q, W, r]
  const folded = g.transpose(patches, [0, 1, 6, 4, 2, 3, 5]); // [1, C, r, q, T, H, W]
  const [T, H, W] = [axisLength(folded, 4), axisLength(folded, 5), axisLength(folded, 6)];
  return g.reshape(folded, [1, knownLength(x, 1) * p * p, T, H, W]);
}

/** The inverse of `patchify`: `[1, C·p·p, T, H, W]` → `[1, C, T, p·H, p·W]`. */
export function unpatchify(g: Graph, x: Value, p: number): Value {
  const [T, H, W] = [axisLength(x, 2), axisLength(x, 3), axisLength(x, 4)];
  const C = knownLength(x, 1) / (p * p);
  const pixels = g.transpose(g.splitAxis(x, 1, [C, p, p]), [0, 1, 4, 5, 3, 6, 2]); // [1, C, T, H, q, W, r]
  return g.reshape(pixels, [1, C, T, multiplyDimensions(H, p), multiplyDimensions(W, p)]);
}

/** As `unpatchify`, with the channels last and no batch axis, as pictures are stored: → `[T, p·H, p·W, C]`. */
export function unpatchifyToPictures(g: Graph, x: Value, p: number): Value {
  const [T, H, W] = [axisLength(x, 2), axisLength(x, 3), axisLength(x, 4)];
  const C = knownLength(x, 1) / (p * p);
  const pixels = g.transpose(g.splitAxis(x, 1, [C, p, p]), [0, 4, 5, 3, 6, 2, 1]); // [1, T, H, q, W, r, C]
  return g.reshape(pixels, [T, multiplyDimensions(H, p), multiplyDimensions(W, p), C]);
}
