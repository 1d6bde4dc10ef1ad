import { multiplyDimensions, sameDimension, sameShape } from '../dimension.ts';
import { axisLength, knownLength, type Value } from '../value.ts';
import { add, affine, divide, multiply, reduceMean, squareRoot, subtract } from './arithmetic.ts';
import { cast, reshape } from './shapes.ts';

// Linear layers and normalization.

/** `x [M, in]`, weight `[out, in]`, bias `[out]` → `[M, out]`. The weight is multiplied by `scale`. */
export function linear(x: Value, weight: Value, bias?: Value, scale = 1): Value {
  if (x.shape.length !== 2 || !sameDimension(axisLength(x, 1), axisLength(weight, 1))) {
    throw x.graph.mismatch('cannot apply a linear layer', x, weight);
  }
  const shape = [axisLength(x, 0), axisLength(weight, 0)];
  if (bias !== undefined && !sameShape(bias.shape, shape.slice(1))) throw x.graph.mismatch('bad bias', weight, bias);
  const isBiased = bias !== undefined && x.graph.target.biasesProducts;
  x.graph.countMultiplications(...x.shape, axisLength(weight, 0));
  const attributes = { transB: 1, ...(scale === 1 ? {} : { alpha: { float: scale } }) };
  const product = x.graph.node('Gemm', isBiased ? [x, weight, bias] : [x, weight], shape, { attributes });
  return bias === undefined || isBiased ? product : add(product, bias);
}

/** A scale that changes nothing, for the last axis of `x`. */
export function plainScale(x: Value): Value {
  return x.graph.constant(new Array(knownLength(x, -1)).fill(1));
}

/** `x […, n, k]` times `y […, k, m]`, `[…, n, m]`; both have the same axes before. */
export function multiplyMatrices(x: Value, y: Value): Value {
  const outer = x.shape.slice(0, -2);
  const [rows, inner, columns] = [axisLength(x, -2), axisLength(x, -1), axisLength(y, -1)];
  if (!sameShape(y.shape, [...outer, inner, columns])) throw x.graph.mismatch('cannot multiply', x, y);
  x.graph.countMultiplications(...x.shape, columns);
  return x.graph.node('MatMul', [x, y], [...outer, rows, columns]);
}

/** Root mean square over the last axis, times `weight` (plain 1 if absent). */
export function rmsNormalize(x: Value, epsilon: number, weight?: Value): Value {
  const width = knownLength(x, -1);
  const scale = weight ?? plainScale(x);
  if (!sameDimension(axisLength(scale, 0), width) || scale.shape.length !== 1)
    throw x.graph.mismatch('bad scale', x, scale);
  const attributes = { axis: -1, epsilon: { float: epsilon } };
  return x.graph.node('RMSNormalization', [x, scale], x.shape, { attributes });
}

/** Layer normalization over the last axis, times `weight` (plain 1 if absent) plus `bias`. */
export function layerNormalize(x: Value, epsilon: number, weight?: Value, bias?: Value): Value {
  const width = knownLength(x, -1);
  const scale = weight ?? plainScale(x);
  if (![scale, bias ?? scale].every(({ shape }) => sameShape(shape, [width])))
    throw x.graph.mismatch('bad scale', x, scale);
  return x.graph.node('LayerNormalization', bias === undefined ? [x, scale] : [x, scale, bias], x.shape, {
    attributes: { axis: -1, epsilon: { float: epsilon } },
  });
}

/** Zero mean and unit variance of everything under one index of axis 1: `[N, C, …]` → same, without parameters. */
export function instanceNormalize(x: Value, epsilon: number): Value {
  if (!x.graph.target.hasInstanceNormalization) return normalizedRows(x, epsilon);
  const channels = knownLength(x, 1);
  const [ones, zeros] = [1, 0].map((value) => x.graph.constant(new Array(channels).fill(value)));
  if (ones === undefined || zeros === undefined) throw new Error('unreachable');
  return x.graph.node('InstanceNormalization', [x, ones, zeros], x.shape, {
    attributes: { epsilon: { float: epsilon } },
  });
}

/** The same out of other operators, in float32. */
function normalizedRows(x: Value, epsilon: number): Value {
  const [N = 1, C = 1, ...others] = x.shape;
  const rows = reshape(cast(x, 'float32'), [multiplyDimensions(N, C), multiplyDimensions(1, ...others)]);
  const centered = subtract(rows, reduceMean(rows, [1]));
  const variance = reduceMean(multiply(centered, centered), [1]);
  const normalized = divide(centered, squareRoot(affine(variance, 1, epsilon)));
  return reshape(cast(normalized, x.dtype), x.shape);
}
