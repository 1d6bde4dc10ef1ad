import { sameDimension, sameShape } from '../dimension.ts';
import { axisLength, type Value } from '../value.ts';
import { add, affine, divide, maximum, multiply, reduceMaximum, reduceMinimum } from './arithmetic.ts';

/** A weight in eight bits: `[in, out]` int8, times a scale for each output `[out]`. */
export interface QuantizedWeight {
  readonly values: Value;
  readonly scales: Value;
}

/** Keeps rows of zeros from dividing by zero, and vanishes beside any number that counts. */
const smallest = 1e-30;

/**
 * A linear layer in integers: `x [M, in]` → `[M, out]`. Each row of `x` is brought to a largest number of 1 before all are rounded,
 * so that a row of large numbers costs the others nothing. The runtime has a kernel for it on the CPU alone.
 */
export function quantizedLinear(x: Value, { values, scales }: QuantizedWeight, bias?: Value): Value {
  const outputs = axisLength(values, 1);
  if (x.shape.length !== 2 || !sameDimension(axisLength(x, 1), axisLength(values, 0))) {
    throw x.graph.mismatch('cannot apply a quantized layer', x, values);
  }
  if (![scales, bias ?? scales].every(({ shape }) => sameShape(shape, [outputs]))) {
    throw x.graph.mismatch('bad scales or bias', values, scales);
  }
  x.graph.countMultiplications(...x.shape, outputs);
  const { rows, largest } = evenRows(x);
  const product = x.graph.node('DynamicQuantizeMatMul', [rows, values, scales], [axisLength(x, 0), outputs], {
    domain: 'com.microsoft',
  });
  const scaled = multiply(product, largest);
  return bias === undefined ? scaled : add(scaled, bias);
}

interface EvenRows {
  /** `[M, in]`, −1 … 1. */
  readonly rows: Value;
  /** `[M, 1]`: what they were divided by. */
  readonly largest: Value;
}

/** Several layers read the same tensor. */
const known = new WeakMap<Value, EvenRows>();

function evenRows(x: Value): EvenRows {
  const found = known.get(x);
  if (found !== undefined) return found;
  const largest = maximum(reduceMaximum(x, [1]), affine(reduceMinimum(x, [1]), -1, smallest)); // [M, 1]
  const made = { rows: divide(x, largest), largest };
  known.set(x, made);
  return made;
}
