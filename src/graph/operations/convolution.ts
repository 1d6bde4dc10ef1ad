import { addDimensions, type Dimension, floorDivide, multiplyDimensions } from '../dimension.ts';
import { axisLength, knownLength, type Value } from '../value.ts';
import { concat, expand, pad, reshape, slice, transpose } from './shapes.ts';
import { convolveFiltered, filteredAxis } from './winograd.ts';

export interface ConvolutionOptions {
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  /** Channels fall into so many groups, each convolved by itself; as many groups as channels is a depthwise convolution. */
  readonly groups?: number;
  /** Zero padding per spatial axis. */
  readonly before?: readonly number[];
  readonly after?: readonly number[];
}

/** Convolution over the axes after batch and channels: weight `[out, in, …kernel]`. */
export function convolve(x: Value, weight: Value, bias: Value | undefined, options: ConvolutionOptions = {}): Value {
  const axes = x.shape.length - 2;
  const {
    strides = filled(axes, 1),
    dilations = filled(axes, 1),
    groups = 1,
    before = filled(axes, 0),
    after = before,
  } = options;
  if (knownLength(x, 1) !== groups * knownLength(weight, 1) || weight.shape.length !== x.shape.length) {
    throw x.graph.mismatch('cannot convolve', x, weight);
  }
  const lengths = Array.from({ length: axes }, (_, axis): Dimension => {
    const reach = (dilations[axis] ?? 1) * (knownLength(weight, axis + 2) - 1);
    const span = addDimensions(axisLength(x, axis + 2), (before[axis] ?? 0) + (after[axis] ?? 0) - reach - 1);
    const steps = floorDivide(span, strides[axis] ?? 1);
    if (steps === undefined) throw x.graph.mismatch(`stride ${strides} does not divide`, x);
    if (typeof steps === 'number' && steps < 0)
      throw x.graph.mismatch('the kernel is longer than its input', x, weight);
    return addDimensions(steps, 1);
  });
  x.graph.countMultiplications(axisLength(x, 0), ...weight.shape, ...lengths);
  x.graph.noteActivation(axisLength(x, 0), Math.max(knownLength(x, 1), knownLength(weight, 0)), ...lengths);
  const isPlain = groups === 1 && [...strides, ...dilations].every((step) => step === 1);
  const filter = isPlain && isCubic(weight) ? filteredAxis(x, weight, lengths) : undefined;
  if (filter !== undefined) {
    const isPadded = [...before, ...after].some((width) => width !== 0);
    const padded = isPadded ? pad(x, 'constant', [0, 0, ...before], [0, 0, ...after]) : x;
    return convolveFiltered(padded, weight, bias, filter);
  }
  return x.graph.node(
    'Conv',
    bias === undefined ? [x, weight] : [x, weight, bias],
    [axisLength(x, 0), axisLength(weight, 0), ...lengths],
    { attributes: { strides, dilations, group: groups, pads: [...before, ...after] } },
  );
}

/**
 * Mean over the channels plus `offset`, `[N, C, …]` → `[N, 1, …]`. As a 1×1 convolution, because that is how the runtime sums
 * over channels fastest: several times faster than with its reductions. No more of an operation than other means, it is not
 * counted.
 */
export function channelMean(x: Value, offset: number): Value {
  const { graph } = x;
  const C = knownLength(x, 1);
  const spatial = x.shape.slice(2);
  const ones = spatial.map(() => 1);
  const mean = graph.constant(new Array(C).fill(1 / C), [1, C, ...ones], x.dtype);
  const inputs = [x, mean, graph.constant([offset], [1], x.dtype)];
  const pads = spatial.flatMap(() => [0, 0]);
  return graph.node('Conv', inputs, [axisLength(x, 0), 1, ...spatial], {
    attributes: { strides: ones, dilations: ones, group: 1, pads },
  });
}

/**
 * Transposed convolution along the last axis: `x [1, in, 1, n]`, weight `[in, out, k]` → `[1, out, 1, (n−1)·stride + k − 2·padding]`.
 * Made of an ordinary convolution, whose channels are the results between two inputs: the runtime's own operator adds up columns,
 * which takes several times as long.
 */
export function convolveTransposed(x: Value, weight: Value, bias: Value, stride: number, padding: number): Value {
  const [inputs, outputs, width] = [knownLength(x, 1), knownLength(weight, 1), knownLength(weight, 2)];
  if (inputs !== knownLength(weight, 0) || x.shape.length !== 4) throw x.graph.mismatch('cannot convolve', x, weight);
  const taps = Math.ceil(width / stride);
  const kernel = reshape(whole(weight, taps * stride), [inputs, outputs, taps, stride]);
  const latestLast = Array.from({ length: taps }, (_, tap) => slice(kernel, 2, taps - 1 - tap, taps - tap));
  const ordinary = transpose(concat(latestLast, 2), [3, 1, 0, 2]); // [stride, out, in, taps]
  const phases = convolve(
    x,
    reshape(ordinary, [stride * outputs, inputs, 1, taps]),
    concat(new Array<Value>(stride).fill(bias), 0),
    { before: [0, taps - 1] },
  ); // [1, stride·out, 1, n+taps−1]
  const steps = axisLength(phases, 3);
  const apart = transpose(reshape(phases, [stride, outputs, steps]), [1, 2, 0]); // [out, n+taps−1, stride]
  const joined = reshape(apart, [1, outputs, 1, multiplyDimensions(steps, stride)]);
  const grown = multiplyDimensions(addDimensions(axisLength(x, 3), -1), stride);
  return slice(joined, 3, padding, addDimensions(grown, width - padding));
}

/** A kernel `[in, out, k]` with zeros behind it. */
function whole(weight: Value, width: number): Value {
  const missing = width - knownLength(weight, 2);
  if (missing === 0) return weight;
  const shape = [knownLength(weight, 0), knownLength(weight, 1), missing];
  return concat([weight, expand(weight.graph.constant([0], [1, 1, 1], weight.dtype), shape)], 2);
}

/** 3×3×3. */
function isCubic({ shape }: Value): boolean {
  return shape.length === 5 && shape.slice(2).every((length) => length === 3);
}

function filled(length: number, value: number): number[] {
  return new Array<number>(length).fill(value);
}
