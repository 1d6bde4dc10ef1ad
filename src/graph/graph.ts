import { ArithmeticOperations } from './arithmetic-operations.ts';
import {
  addDimensions,
  type Dimension,
  floorDivide,
  multiplyDimensions,
  sameDimension,
  sameShape,
} from './dimension.ts';
import { axisLength, knownLength, type Value } from './value.ts';

export interface ConvolutionOptions {
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  /** Channels fall into so many groups, each convolved by itself; as many groups as channels is a depthwise convolution. */
  readonly groups?: number;
  /** Zero padding per spatial axis. */
  readonly before?: readonly number[];
  readonly after?: readonly number[];
}

export interface GroupQueryOptions {
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly scale: number;
  /** Keys a query may look back on, itself included; absent: all. */
  readonly window?: number | undefined;
  /** Keys and values of earlier positions `[1, keyValueHeads, past, headDim]`. */
  readonly past?: { readonly keys: Value; readonly values: Value } | undefined;
  /** Rotary tables `[positions, headDim/2]` in the arithmetic type, with a row for every position, past ones included. */
  readonly cos: Value;
  readonly sin: Value;
}

/**
 * A typed ONNX graph under construction. Every operation checks types and shapes at once and names the tensors it
 * cannot combine; `build()` serialises.
 */
export class Graph extends ArithmeticOperations {
  /** `x [M, in]`, weight `[out, in]`, bias `[out]` → `[M, out]`. */
  linear(x: Value, weight: Value, bias?: Value): Value {
    if (x.shape.length !== 2 || !sameDimension(axisLength(x, 1), axisLength(weight, 1))) {
      throw this.mismatch('cannot apply a linear layer', x, weight);
    }
    const shape = [axisLength(x, 0), axisLength(weight, 0)];
    if (bias !== undefined && !sameShape(bias.shape, shape.slice(1))) throw this.mismatch('bad bias', weight, bias);
    const inputs = bias === undefined ? [x, weight] : [x, weight, bias];
    this.countMultiplications(...x.shape, axisLength(weight, 0));
    return this.node('Gemm', inputs, shape, { attributes: { transB: 1 } });
  }

  /** Root mean square over the last axis, times `weight` (plain 1 if absent). */
  rmsNormalize(x: Value, epsilon: number, weight?: Value): Value {
    const width = knownLength(x, -1);
    const scale = weight ?? this.constant(new Array(width).fill(1));
    if (!sameDimension(axisLength(scale, 0), width) || scale.shape.length !== 1)
      throw this.mismatch('bad scale', x, scale);
    const attributes = { axis: -1, epsilon: { float: epsilon } };
    return this.node('RMSNormalization', [x, scale], x.shape, { attributes });
  }

  /** Layer normalisation over the last axis, times `weight` (plain 1 if absent) plus `bias`. */
  layerNormalize(x: Value, epsilon: number, weight?: Value, bias?: Value): Value {
    const width = knownLength(x, -1);
    const scale = weight ?? this.constant(new Array(width).fill(1));
    if (![scale, bias ?? scale].every(({ shape }) => sameShape(shape, [width])))
      throw this.mismatch('bad scale', x, scale);
    return this.node('LayerNormalization', bias === undefined ? [x, scale] : [x, scale, bias], x.shape, {
      attributes: { axis: -1, epsilon: { float: epsilon } },
    });
  }

  /** Zero mean and unit variance of everything under one index of axis 1: `[N, C, …]` → same, without parameters. */
  instanceNormalize(x: Value, epsilon: number): Value {
    const channels = knownLength(x, 1);
    const [ones, zeros] = [1, 0].map((value) => this.constant(new Array(channels).fill(value)));
    if (ones === undefined || zeros === undefined) throw new Error('unreachable');
    return this.node('InstanceNormalization', [x, ones, zeros], x.shape, {
      attributes: { epsilon: { float: epsilon } },
    });
  }

  /**
   * Rotates the halves of every head: `x [N, heads·headDim]`, tables `[N·heads, headDim/2]`. Each head has its own
   * angles, so tokens × heads are presented to the runtime as positions of a single head.
   */
  rotate(x: Value, heads: number, cos: Value, sin: Value): Value {
    const headDim = knownLength(x, 1) / heads;
    const positions = multiplyDimensions(axisLength(x, 0), heads);
    const table = [1, positions, headDim / 2];
    const inputs = [this.reshape(x, [1, positions, headDim]), this.reshape(cos, table), this.reshape(sin, table)];
    const rotated = this.node('RotaryEmbedding', inputs, [1, positions, headDim], { attributes: { num_heads: 1 } });
    return this.reshape(rotated, x.shape);
  }

  /** softmax(q·kᵀ/√headDim)·v without a mask: `q [N, D]`, `k, v [M, D]` → `[N, D]`; scores are never materialised. */
  attention(q: Value, k: Value, v: Value, heads: number): Value {
    const [queries, keys, values] = [q, k, v].map((x) => this.reshape(x, [1, ...x.shape]));
    if (queries === undefined || keys === undefined || values === undefined) throw new Error('unreachable');
    if (!sameDimension(axisLength(q, 1), axisLength(k, 1)) || !sameShape(k.shape, v.shape)) {
      throw this.mismatch('cannot attend', q, k, v);
    }
    this.countMultiplications(2, ...q.shape, axisLength(k, 0));
    const attended = this.node('MultiHeadAttention', [queries, keys, values], queries.shape, {
      domain: 'com.microsoft',
      attributes: { num_heads: heads },
    });
    return this.reshape(attended, q.shape);
  }

  /**
   * Causal grouped-query attention with rotary embedding: `q [n, heads·headDim]`, `k, v [n, keyValueHeads·headDim]`,
   * positions counted from the end of `past`; scores are never materialised. Returns the attended values and the
   * rotated keys and the values of all positions `[1, keyValueHeads, past + n, headDim]`.
   */
  groupQueryAttention(
    q: Value,
    k: Value,
    v: Value,
    options: GroupQueryOptions,
  ): { attended: Value; keys: Value; values: Value } {
    const { heads, keyValueHeads, scale, window, past, cos, sin } = options;
    const headDim = knownLength(q, 1) / heads;
    const n = axisLength(q, 0);
    if (![k, v].every((x) => sameShape(x.shape, [n, keyValueHeads * headDim])))
      throw this.mismatch('cannot attend', q, k);
    if (![cos, sin].every((x) => knownLength(x, 1) === headDim / 2)) throw this.mismatch('bad rotary tables', q, cos);
    const earlier = past === undefined ? 0 : axisLength(past.keys, 2);
    if (past !== undefined && !sameShape(past.keys.shape, [1, keyValueHeads, earlier, headDim])) {
      throw this.mismatch('bad past', q, past.keys);
    }
    const total = addDimensions(earlier, n);
    const cache = [1, keyValueHeads, total, headDim];
    this.countMultiplications(2, ...q.shape, total);
    const [attended, keys, values] = this.nodes(
      'GroupQueryAttention',
      [
        ...[q, k, v].map((x) => this.reshape(x, [1, ...x.shape])),
        ...[past?.keys, past?.values],
        ...[this.#length(addDimensions(total, -1)), this.#length(total)],
        ...[cos, sin],
      ],
      [[1, ...q.shape], cache, cache],
      {
        domain: 'com.microsoft',
        attributes: {
          num_heads: heads,
          kv_num_heads: keyValueHeads,
          scale: { float: scale },
          do_rotary: 1,
          local_window_size: window ?? -1,
        },
      },
    );
    if (attended === undefined || keys === undefined || values === undefined) throw new Error('unreachable');
    return { attended: this.reshape(attended, q.shape), keys, values };
  }

  /** Convolution over the axes after batch and channels: weight `[out, in, …kernel]`. */
  convolve(x: Value, weight: Value, bias: Value | undefined, options: ConvolutionOptions = {}): Value {
    const axes = x.shape.length - 2;
    const {
      strides = filled(axes, 1),
      dilations = filled(axes, 1),
      groups = 1,
      before = filled(axes, 0),
      after = before,
    } = options;
    if (knownLength(x, 1) !== groups * knownLength(weight, 1) || weight.shape.length !== x.shape.length) {
      throw this.mismatch('cannot convolve', x, weight);
    }
    const lengths = Array.from({ length: axes }, (_, axis): Dimension => {
      const reach = (dilations[axis] ?? 1) * (knownLength(weight, axis + 2) - 1);
      const span = addDimensions(axisLength(x, axis + 2), (before[axis] ?? 0) + (after[axis] ?? 0) - reach - 1);
      const steps = floorDivide(span, strides[axis] ?? 1);
      if (steps === undefined) throw this.mismatch(`stride ${strides} does not divide`, x);
      if (typeof steps === 'number' && steps < 0) throw this.mismatch('the kernel is longer than its input', x, weight);
      return addDimensions(steps, 1);
    });
    this.countMultiplications(axisLength(x, 0), ...weight.shape, ...lengths);
    return this.node(
      'Conv',
      bias === undefined ? [x, weight] : [x, weight, bias],
      [axisLength(x, 0), axisLength(weight, 0), ...lengths],
      { attributes: { strides, dilations, group: groups, pads: [...before, ...after] } },
    );
  }

  /** Transposed 1-D convolution: `x [1, in, n]`, weight `[in, out, k]` → `[1, out, (n−1)·stride + k − 2·padding]`. */
  convolveTransposed(x: Value, weight: Value, bias: Value, stride: number, padding: number): Value {
    if (knownLength(x, 1) !== knownLength(weight, 0)) throw this.mismatch('cannot convolve', x, weight);
    const grown = multiplyDimensions(addDimensions(axisLength(x, 2), -1), stride);
    const length = addDimensions(grown, knownLength(weight, 2) - 2 * padding);
    this.countMultiplications(axisLength(x, 0), ...weight.shape, axisLength(x, 2));
    return this.node('ConvTranspose', [x, weight, bias], [axisLength(x, 0), axisLength(weight, 1), length], {
      attributes: { strides: [stride], pads: [padding, padding] },
    });
  }

  /** The run-time value of a length as int32 `[1]`. */
  #length(length: Dimension): Value {
    return this.cast(this.dimensionValue(length), 'int32');
  }
}

function filled(length: number, value: number): number[] {
  return new Array<number>(length).fill(value);
}
