import { axisLength, knownLength, type Value } from '../value.ts';
import { add, gelu, multiply } from './arithmetic.ts';
import { plainScale, rmsNormalize } from './layers.ts';
import { reshape } from './shapes.ts';

// A bias costs a pass over the activations of its own, unless the operation that reads them adds it. Targets that add biases in
// their products (`biasesProducts`) never have one left.

/** A matrix `[M, D]`, and a row `[D]` that is yet to be added to each of its rows. */
export interface Biased {
  readonly value: Value;
  readonly bias: Value | undefined;
}

export function withoutBias(value: Value): Biased {
  return { value, bias: undefined };
}

/** The matrix with its bias. */
export function settled({ value, bias }: Biased): Value {
  return bias === undefined ? value : add(value, bias);
}

/** Both times a row `[1, D]`. */
export function multiplyBiased({ value, bias }: Biased, factor: Value): Biased {
  return {
    value: multiply(value, factor),
    bias: bias === undefined ? undefined : multiply(bias, reshape(factor, bias.shape)),
  };
}

/** GELU in its tanh approximation. */
export function geluBiased({ value, bias }: Biased): Value {
  if (bias === undefined) return gelu(value);
  return value.graph.node('FastGelu', [value, bias], value.shape, { domain: 'com.microsoft' });
}

/** Root mean square over the last axis, times `weight`. */
export function rmsNormalizeBiased({ value, bias }: Biased, epsilon: number, weight: Value): Value {
  if (bias === undefined) return rmsNormalize(value, epsilon, weight);
  // The bias goes where a residual would: that input may have one row for all of a batch.
  const D = knownLength(value, 1);
  const batch = reshape(value, [axisLength(value, 0), 1, D]);
  const [normalized] = skipNormalize([batch, reshape(bias, [1, 1, D]), weight], epsilon, false);
  return reshape(normalized, value.shape);
}

/** A residual stream `[M, D]` with what is added to it, and the root mean square norm of that times `weight` (plain 1 if absent). */
export function addAndNormalize(
  stream: Value,
  { value, bias }: Biased,
  epsilon: number,
  weight = plainScale(stream),
): { readonly stream: Value; readonly normalized: Value } {
  const inputs: [Value, ...Value[]] = [value, stream, weight, ...(bias === undefined ? [] : [bias])];
  const [normalized, sum] = skipNormalize(inputs, epsilon, true);
  return { stream: sum, normalized };
}

/** The norm of the sum of the first two inputs and the last, if there are four, times the third; and the sum itself if wanted. */
function skipNormalize(
  inputs: readonly [Value, ...Value[]],
  epsilon: number,
  wantsSum: boolean,
): readonly [Value, Value] {
  const [{ graph, shape }] = inputs;
  // Two outputs in between are for training.
  const shapes = wantsSum ? [shape, undefined, undefined, shape] : [shape];
  const [normalized, sum = normalized] = graph.nodes('SkipSimplifiedLayerNormalization', inputs, shapes, {
    domain: 'com.microsoft',
    attributes: { epsilon: { float: epsilon } },
  });
  if (normalized === undefined || sum === undefined) throw new Error('unreachable');
  return [normalized, sum];
}
