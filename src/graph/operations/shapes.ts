import {
  addDimensions,
  type Dimension,
  divideExactly,
  floorDivide,
  formatShape,
  multiplyDimensions,
  sameDimension,
  sameShape,
  subtractDimensions,
} from '../dimension.ts';
import { type ElementType, onnxDataType } from '../element-type.ts';
import { axisLength, broadcastShapes, knownLength, sumOfAxis, type Value } from '../value.ts';

// Operations that move data without computing with it.

export function cast(x: Value, to: ElementType): Value {
  if (x.dtype === to) return x;
  return x.graph.node('Cast', [x], x.shape, { dtype: to, attributes: { to: onnxDataType(to) } });
}

export function reshape(x: Value, shape: readonly Dimension[]): Value {
  if (!sameDimension(multiplyDimensions(1, ...x.shape), multiplyDimensions(1, ...shape))) {
    throw x.graph.mismatch(`cannot reshape to ${formatShape(shape)}`, x);
  }
  const target = inferableShape(x, shape);
  if (target !== undefined) return x.graph.node('Reshape', [x, target], shape);
  // A computed length may be 0 and then means 0, not "copy".
  return x.graph.node('Reshape', [x, x.graph.shapeVector(shape)], shape, { attributes: { allowzero: 1 } });
}

export function transpose(x: Value, order: readonly number[]): Value {
  if (!x.shape.every((_, axis) => order.includes(axis)) || order.length !== x.shape.length) {
    throw x.graph.mismatch(`cannot transpose by [${order}]`, x);
  }
  const shape = order.map((axis) => axisLength(x, axis));
  return x.graph.node('Transpose', [x], shape, { attributes: { perm: order } });
}

export function concat(values: readonly Value[], axis: number): Value {
  const [first] = values;
  if (first === undefined) throw new Error('nothing to concatenate');
  if (values.length === 1) return first;
  for (const value of values) {
    const fits = value.shape.every((length, at) => at === axis || sameDimension(length, first.shape[at] ?? -1));
    if (!fits || value.dtype !== first.dtype || value.shape.length !== first.shape.length) {
      throw first.graph.mismatch(`cannot concatenate along axis ${axis}`, first, value);
    }
  }
  const shape = first.shape.with(axis, sumOfAxis(values, axis));
  return first.graph.node('Concat', values, shape, { attributes: { axis } });
}

/** Elements `start … end−1` along `axis`, every `step`-th one; `end` defaults to the axis length. */
export function slice(x: Value, axis: number, start: Dimension, end: Dimension = axisLength(x, axis), step = 1): Value {
  const count = floorDivide(addDimensions(subtractDimensions(end, start), step - 1), step);
  const excess = subtractDimensions(end, axisLength(x, axis));
  if (count === undefined || isNegative(count) || isNegative(start) || isPositive(excess)) {
    throw x.graph.mismatch(`cannot slice ${start}:${end}:${step} on axis ${axis}`, x);
  }
  const inputs = [x, x.graph.shapeVector([start]), x.graph.shapeVector([end])];
  inputs.push(x.graph.constant([axis], [1], 'int64'));
  if (step !== 1) inputs.push(x.graph.constant([step], [1], 'int64'));
  return x.graph.node('Slice', inputs, x.shape.with(axis, count));
}

export function split(x: Value, axis: number, sizes: readonly number[]): Value[] {
  if (knownLength(x, axis) !== sizes.reduce((sum, size) => sum + size, 0)) {
    throw x.graph.mismatch(`cannot split axis ${axis} into [${sizes}]`, x);
  }
  const shapes = sizes.map((size) => x.shape.with(axis, size));
  return x.graph.nodes('Split', [x, x.graph.constant(sizes, undefined, 'int64')], shapes, { attributes: { axis } });
}

/** Rows of `x` along its first axis picked by int64 `indices`. */
export function gather(x: Value, indices: Value): Value {
  if (indices.dtype !== 'int64') throw x.graph.mismatch('indices must be int64', indices);
  return x.graph.node('Gather', [x, indices], [...indices.shape, ...x.shape.slice(1)], { attributes: { axis: 0 } });
}

export function tile(x: Value, repeats: readonly Dimension[]): Value {
  if (repeats.length !== x.shape.length) throw x.graph.mismatch(`cannot tile by ${formatShape(repeats)}`, x);
  const shape = x.shape.map((length, axis) => multiplyDimensions(length, repeats[axis] ?? 1));
  return x.graph.node('Tile', [x, x.graph.shapeVector(repeats)], shape);
}

/** Repeats axes of length 1 to fill `shape`. */
export function expand(x: Value, shape: readonly Dimension[]): Value {
  const filled = broadcastShapes(x.shape, shape);
  if (filled === undefined || !sameShape(filled, shape)) throw x.graph.mismatch(`cannot fill ${formatShape(shape)}`, x);
  return x.graph.node('Expand', [x, x.graph.shapeVector(shape)], shape);
}

/** Every pixel `factor` times in both directions: `x [N, C, H, W]` → `[N, C, factor·H, factor·W]`. */
export function repeatPixels(x: Value, factor: number): Value {
  if (x.shape.length !== 4) throw x.graph.mismatch('cannot repeat pixels', x);
  const shape = x.shape.map((length, axis) => (axis < 2 ? length : multiplyDimensions(length, factor)));
  const scales = x.graph.constant([1, 1, factor, factor], undefined, 'float32');
  return x.graph.node('Resize', [x, undefined, scales], shape, {
    attributes: { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
  });
}

/** Pads `x`; `before` and `after` hold one width per axis. */
export function pad(
  x: Value,
  mode: 'constant' | 'reflect' | 'edge',
  before: readonly number[],
  after: readonly number[],
): Value {
  if (before.length !== x.shape.length || after.length !== x.shape.length) throw x.graph.mismatch('bad pad widths', x);
  const shape = x.shape.map((length, axis) => addDimensions(length, before[axis] ?? 0, after[axis] ?? 0));
  const widths = x.graph.constant([...before, ...after], undefined, 'int64');
  return x.graph.node('Pad', [x, widths], shape, { attributes: { mode } });
}

/** One mirrored element at both ends of each of `axes`, the edge itself not repeated; they must be at least 2 long. */
export function reflectEdges(x: Value, axes: readonly number[]): Value {
  if (!x.graph.target.float32Operators.has('Pad')) {
    const widths = x.shape.map((_, axis) => (axes.includes(axis) ? 1 : 0));
    return pad(x, 'reflect', widths, widths);
  }
  // Widening around Pad would move more data than joining slices does.
  return axes.reduce((joined, axis) => {
    const length = axisLength(joined, axis);
    const mirrored = slice(joined, axis, addDimensions(length, -2), addDimensions(length, -1));
    return concat([slice(joined, axis, 1, 2), joined, mirrored], axis);
  }, x);
}

/** Splits one axis into several, `sizes` long; at most one size may be left out as `undefined`. */
export function splitAxis(x: Value, axis: number, sizes: readonly (number | undefined)[]): Value {
  const known = sizes.reduce<number>((product, size) => product * (size ?? 1), 1);
  const rest = divideExactly(axisLength(x, axis), known);
  if (rest === undefined) throw x.graph.mismatch(`axis ${axis} does not split into [${sizes}]`, x);
  return reshape(x, x.shape.toSpliced(axis, 1, ...sizes.map((size) => size ?? rest)));
}

/** A fixed `shape` input of Reshape, where 0 copies an axis and one −1 is worked out; undefined if that is too little. */
function inferableShape(x: Value, shape: readonly Dimension[]): Value | undefined {
  const target = shape.map((length, axis) => {
    if (typeof length === 'number') return length;
    return axis < x.shape.length && sameDimension(length, x.shape[axis] ?? -1) ? 0 : -1;
  });
  const unknown = target.filter((length) => length === -1).length;
  return unknown <= 1 && !shape.includes(0) ? x.graph.constant(target, undefined, 'int64') : undefined;
}

function isNegative(length: Dimension): boolean {
  return typeof length === 'number' && length < 0;
}

function isPositive(length: Dimension): boolean {
  return typeof length === 'number' && length > 0;
}
