import type { Dimension } from '../dimension.ts';
import { broadcastShapes, type Value } from '../value.ts';

// Element-wise arithmetic and reductions.

export function add(left: Value, right: Value): Value {
  return binary('Add', left, right);
}

export function subtract(left: Value, right: Value): Value {
  return binary('Sub', left, right);
}

export function multiply(left: Value, right: Value): Value {
  return binary('Mul', left, right);
}

export function divide(left: Value, right: Value): Value {
  return binary('Div', left, right);
}

export function minimum(left: Value, right: Value): Value {
  return binary('Min', left, right);
}

export function maximum(left: Value, right: Value): Value {
  return binary('Max', left, right);
}

/** `x·factor + offset` with plain numbers. */
export function affine(x: Value, factor: number, offset = 0): Value {
  const scaled = factor === 1 ? x : multiply(x, x.graph.constant([factor], [], x.dtype));
  return offset === 0 ? scaled : add(scaled, x.graph.constant([offset], [], x.dtype));
}

export function squareRoot(x: Value): Value {
  return x.graph.node('Sqrt', [x], x.shape);
}

export function tanh(x: Value): Value {
  return x.graph.node('Tanh', [x], x.shape);
}

export function cosine(x: Value): Value {
  return x.graph.node('Cos', [x], x.shape);
}

export function sine(x: Value): Value {
  return x.graph.node('Sin', [x], x.shape);
}

export function absolute(x: Value): Value {
  return x.graph.node('Abs', [x], x.shape);
}

/** `x·sigmoid(x)`: one fused pass where the runtime has it (QuickGelu with alpha 1). */
export function silu(x: Value): Value {
  if (x.graph.target.hasSilu) {
    return x.graph.node('QuickGelu', [x], x.shape, { domain: 'com.microsoft', attributes: { alpha: { float: 1 } } });
  }
  return multiply(x, x.graph.node('Sigmoid', [x], x.shape));
}

/** GELU in its tanh approximation, or exactly. */
export function gelu(x: Value, form: 'tanh' | 'exact' = 'tanh'): Value {
  return x.graph.node('Gelu', [x], x.shape, { attributes: { approximate: form === 'tanh' ? 'tanh' : 'none' } });
}

export function leakyRelu(x: Value, slope: number): Value {
  return x.graph.node('LeakyRelu', [x], x.shape, { attributes: { alpha: { float: slope } } });
}

export function clip(x: Value, low: number, high: number): Value {
  return x.graph.node(
    'Clip',
    [x, x.graph.constant([low], [], x.dtype), x.graph.constant([high], [], x.dtype)],
    x.shape,
  );
}

/** Shares of the last axis, which add up to 1. */
export function softmax(x: Value): Value {
  return x.graph.node('Softmax', [x], x.shape, { attributes: { axis: -1 } });
}

export function reduceSum(x: Value, axes: readonly number[]): Value {
  return reduce('ReduceSum', x, axes);
}

export function reduceMean(x: Value, axes: readonly number[]): Value {
  return reduce('ReduceMean', x, axes);
}

export function reduceMaximum(x: Value, axes: readonly number[]): Value {
  return reduce('ReduceMax', x, axes);
}

export function reduceMinimum(x: Value, axes: readonly number[]): Value {
  return reduce('ReduceMin', x, axes);
}

export function reduceSumSquare(x: Value, axes: readonly number[]): Value {
  if (x.graph.target.arithmetic === 'float32') return reduce('ReduceSumSquare', x, axes);
  return reduceSum(multiply(x, x), axes);
}

function binary(type: string, left: Value, right: Value): Value {
  const shape = broadcastShapes(left.shape, right.shape);
  if (shape === undefined || left.dtype !== right.dtype) throw left.graph.mismatch(`cannot ${type}`, left, right);
  return left.graph.node(type, [left, right], shape);
}

/** Reduced axes stay with length 1. */
function reduce(type: string, x: Value, axes: readonly number[]): Value {
  if (axes.some((axis) => x.shape[axis] === undefined)) throw x.graph.mismatch(`cannot ${type} axes [${axes}]`, x);
  const shape: readonly Dimension[] = x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
  const indices = x.graph.constant(axes, undefined, 'int64');
  return x.graph.node(type, [x, indices], shape, { attributes: { keepdims: 1 } });
}
