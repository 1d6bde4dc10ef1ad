import { multiplyDimensions } from '../../graph/dimension.ts';
import { reshape, splitAxis, transpose } from '../../graph/operations/shapes.ts';
import { axisLength, knownLength, type Value } from '../../graph/value.ts';

/** Factors along time, height and width. */
export type Factors = readonly [time: number, height: number, width: number];

/**
 * Folds blocks of samples into channels: `[1, C, a·T, e·H, f·W]` → `[1, C·a·e·f, T, H, W]`, with the block's channel
 * slowest and its width offset fastest.
 */
export function spaceToDepth(x: Value, [a, e, f]: Factors): Value {
  const widthSplit = splitAxis(x, 4, [undefined, f]);
  const heightSplit = splitAxis(widthSplit, 3, [undefined, e]);
  const blocks = splitAxis(heightSplit, 2, [undefined, a]); // [1, C, T, a, H, e, W, f]
  const folded = transpose(blocks, [0, 1, 3, 5, 7, 2, 4, 6]); // [1, C, a, e, f, T, H, W]
  const [T, H, W] = [axisLength(folded, 5), axisLength(folded, 6), axisLength(folded, 7)];
  return reshape(folded, [1, knownLength(x, 1) * a * e * f, T, H, W]);
}

/**
 * The inverse of `spaceToDepth`: `[1, C·a·e·f, T, H, W]` → `[1, C, a·T, e·H, f·W]`. In two steps, because the runtime
 * moves one axis, or whole rows, several times faster than it permutes single elements.
 */
export function depthToSpace(x: Value, [a, e, f]: Factors): Value {
  const [T, H, W] = [axisLength(x, 2), axisLength(x, 3), axisLength(x, 4)];
  const C = knownLength(x, 1) / (a * e * f);
  const blocks = reshape(x, [C * a * e, f, T, H, W]);
  const rows = reshape(transpose(blocks, [0, 2, 3, 4, 1]), [C, a, e, T, H, multiplyDimensions(W, f)]);
  const unfolded = transpose(rows, [0, 3, 1, 4, 2, 5]); // [C, T, a, H, e, f·W]
  return reshape(unfolded, [1, C, multiplyDimensions(T, a), multiplyDimensions(H, e), multiplyDimensions(W, f)]);
}

/**
 * Folds p×p pixels into channels: `[1, C, T, p·H, p·W]` → `[1, C·p·p, T, H, W]`. Unlike in `spaceToDepth` the offset
 * along the width is the slower one.
 */
export function patchify(x: Value, p: number): Value {
  const patches = splitAxis(splitAxis(x, 4, [undefined, p]), 3, [undefined, p]); // [1, C, T, H, q, W, r]
  const folded = transpose(patches, [0, 1, 6, 4, 2, 3, 5]); // [1, C, r, q, T, H, W]
  const [T, H, W] = [axisLength(folded, 4), axisLength(folded, 5), axisLength(folded, 6)];
  return reshape(folded, [1, knownLength(x, 1) * p * p, T, H, W]);
}

/** The inverse of `patchify`: `[1, C·p·p, T, H, W]` → `[1, C, T, p·H, p·W]`. Two steps as in `depthToSpace`. */
export function unpatchify(x: Value, p: number): Value {
  const [T, H, W] = [axisLength(x, 2), axisLength(x, 3), axisLength(x, 4)];
  const C = knownLength(x, 1) / (p * p);
  const patches = reshape(x, [C, p, p, T, H, W]); // [C, r, q, T, H, W]
  const rows = reshape(transpose(patches, [0, 2, 3, 4, 5, 1]), [C, p, T, H, multiplyDimensions(W, p)]);
  const pixels = transpose(rows, [0, 2, 3, 1, 4]); // [C, T, H, q, p·W]
  return reshape(pixels, [1, C, T, multiplyDimensions(H, p), multiplyDimensions(W, p)]);
}
