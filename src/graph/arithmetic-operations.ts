import type { Dimension } from './dimension.ts';
import { ShapeOperations } from './shape-operations.ts';
import { broadcastShapes, type Value } from './value.ts';

/** Element-wise arithmetic and reductions. */
export abstract class ArithmeticOperations extends ShapeOperations {
  add(left: Value, right: Value): Value {
    return this.#binary('Add', left, right);
  }

  subtract(left: Value, right: Value): Value {
    return this.#binary('Sub', left, right);
  }

  multiply(left: Value, right: Value): Value {
    return this.#binary('Mul', left, right);
  }

  divide(left: Value, right: Value): Value {
    return this.#binary('Div', left, right);
  }

  minimum(left: Value, right: Value): Value {
    return this.#binary('Min', left, right);
  }

  /** `x·factor + offset` with plain numbers. */
  affine(x: Value, factor: number, offset = 0): Value {
    const scaled = factor === 1 ? x : this.multiply(x, this.constant([factor], [], x.dtype));
    return offset === 0 ? scaled : this.add(scaled, this.constant([offset], [], x.dtype));
  }

  squareRoot(x: Value): Value {
    return this.node('Sqrt', [x], x.shape);
  }

  tanh(x: Value): Value {
    return this.node('Tanh', [x], x.shape);
  }

  absolute(x: Value): Value {
    return this.node('Abs', [x], x.shape);
  }

  round(x: Value): Value {
    return this.node('Round', [x], x.shape);
  }

  /** `x·sigmoid(x)`: one fused pass where the runtime has it (QuickGelu with alpha 1). */
  silu(x: Value): Value {
    if (this.target.hasSilu) {
      return this.node('QuickGelu', [x], x.shape, { domain: 'com.microsoft', attributes: { alpha: { float: 1 } } });
    }
    return this.multiply(x, this.node('Sigmoid', [x], x.shape));
  }

  /** GELU in its tanh approximation, or exactly. */
  gelu(x: Value, form: 'tanh' | 'exact' = 'tanh'): Value {
    return this.node('Gelu', [x], x.shape, { attributes: { approximate: form === 'tanh' ? 'tanh' : 'none' } });
  }

  leakyRelu(x: Value, slope: number): Value {
    return this.node('LeakyRelu', [x], x.shape, { attributes: { alpha: { float: slope } } });
  }

  clip(x: Value, low: number, high: number): Value {
    return this.node('Clip', [x, this.constant([low], [], x.dtype), this.constant([high], [], x.dtype)], x.shape);
  }

  reduceSum(x: Value, axes: readonly number[]): Value {
    return this.#reduce('ReduceSum', x, axes);
  }

  reduceMean(x: Value, axes: readonly number[]): Value {
    return this.#reduce('ReduceMean', x, axes);
  }

  reduceMaximum(x: Value, axes: readonly number[]): Value {
    return this.#reduce('ReduceMax', x, axes);
  }

  reduceMinimum(x: Value, axes: readonly number[]): Value {
    return this.#reduce('ReduceMin', x, axes);
  }

  reduceSumSquare(x: Value, axes: readonly number[]): Value {
    if (this.target.arithmetic === 'float32') return this.#reduce('ReduceSumSquare', x, axes);
    return this.reduceSum(this.multiply(x, x), axes);
  }

  #binary(type: string, left: Value, right: Value): Value {
    const shape = broadcastShapes(left.shape, right.shape);
    if (shape === undefined || left.dtype !== right.dtype) throw this.mismatch(`cannot ${type}`, left, right);
    return this.node(type, [left, right], shape);
  }

  /** Reduced axes stay with length 1. */
  #reduce(type: string, x: Value, axes: readonly number[]): Value {
    if (axes.some((axis) => x.shape[axis] === undefined)) throw this.mismatch(`cannot ${type} axes [${axes}]`, x);
    const shape: readonly Dimension[] = x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
    const indices = this.constant(axes, undefined, 'int64');
    return this.node(type, [x, indices], shape, { attributes: { keepdims: 1 } });
  }
}
