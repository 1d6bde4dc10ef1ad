import {
  absolute,
  add,
  affine,
  divide,
  minimum,
  multiply,
  reduceSum,
  subtract,
} from '../../graph/operations/arithmetic.ts';
import { type RotaryTables, rotate, scaledDotProductAttention } from '../../graph/operations/attention.ts';
import { type Biased, geluBiased, rmsNormalizeBiased, settled, withoutBias } from '../../graph/operations/biased.ts';
import { concat, slice } from '../../graph/operations/shapes.ts';
import { axisLength, type Value } from '../../graph/value.ts';
import type { ModuleWeights } from '../../graph/weights/module-weights.ts';

/** What queries attend to: keys `[M, inner]`, normed and rotated, and values `[M, inner]`. */
export interface KeysAndValues {
  readonly keys: Value;
  readonly values: Biased;
}

interface AttentionOptions {
  readonly heads: number;
  readonly epsilon: number;
  /** Tables `[N, inner/2]` and `[M, inner/2]`. */
  readonly queryRotary?: RotaryTables;
  readonly keyRotary?: RotaryTables;
  /** Context of a negative prompt `[S, E]`: turns on normalized attention guidance. */
  readonly negativeContext?: Biased | KeysAndValues | undefined;
  /** The context is so long that the bias of its values is better taken through the last layer than added to them. */
  readonly hasLongContext?: boolean;
  /** `[1, D]`, multiplies the result. */
  readonly gate?: Value | undefined;
}

/** Keys and values from `source [M, E]`. Norms span all heads. */
export function keysAndValues(
  weights: ModuleWeights,
  source: Biased,
  { heads, epsilon, keyRotary }: Pick<AttentionOptions, 'heads' | 'epsilon' | 'keyRotary'>,
): KeysAndValues {
  let keys = rmsNormalizeBiased(weights.biasedLinear(source, 'to_k'), epsilon, weights.parameter('k_norm.weight')); // [M, inner]
  if (keyRotary !== undefined) keys = rotate(keys, heads, keyRotary); // [M, inner]
  return { keys, values: weights.biasedLinear(source, 'to_v') };
}

/** Queries from `x [N, D]`, keys and values from `context [M, E]` unless they are given → `[N, D]`. Norms span all heads. */
export function attention(
  weights: ModuleWeights,
  x: Biased,
  context: Biased | KeysAndValues,
  options: AttentionOptions,
): Biased {
  const { heads, epsilon, queryRotary, negativeContext, hasLongContext, gate } = options;
  let q = rmsNormalizeBiased(weights.biasedLinear(x, 'to_q'), epsilon, weights.parameter('q_norm.weight')); // [N, inner]
  if (queryRotary !== undefined) q = rotate(q, heads, queryRotary); // [N, inner]
  const attendTo = (source: Biased | KeysAndValues): Biased => {
    const { keys, values } = 'keys' in source ? source : keysAndValues(weights, source, options);
    // What attention weighs adds up to 1, so that a bias of all values is one of the result.
    if (hasLongContext) return { value: scaledDotProductAttention(q, keys, values.value, heads), bias: values.bias }; // [N, inner]
    return withoutBias(scaledDotProductAttention(q, keys, settled(values), heads)); // [N, inner]
  };
  let attended = attendTo(context); // [N, inner]
  if (negativeContext !== undefined) {
    const negative = settled(attendTo(negativeContext)); // [N, inner]
    attended = withoutBias(normalizedGuidance(settled(attended), negative)); // [N, inner]
  }
  return weights.biasedLinear(attended, 'to_out.0', gate); // [N, D]
}

/** Rows of every part of a feed-forward but the last, which has what is left. */
export const feedForwardRows = 1024;

/** `x [N, D]` → same, through a wider layer. N must be more than `(parts − 1) · feedForwardRows`. */
export function feedForward(weights: ModuleWeights, x: Biased, parts = 1): Biased {
  if (parts > 1) {
    const whole = settled(x); // [N, D]
    const made = Array.from({ length: parts }, (_, part) => {
      const [start, end] = [part * feedForwardRows, (part + 1) * feedForwardRows];
      const rows = slice(whole, 0, start, part === parts - 1 ? axisLength(whole, 0) : end); // [n, D]
      return settled(feedForward(weights, withoutBias(rows))); // [n, D]
    });
    return withoutBias(concat(made, 0)); // [N, D]
  }
  const hidden = geluBiased(weights.biasedLinear(x, 'net.0.proj')); // [N, 4·D]
  return weights.biasedLinear(withoutBias(hidden), 'net.2'); // [N, D]
}

/** Defaults of the published node for this model (KJNodes, LTX2_NAG). */
const guidance = { scale: 11, mix: 0.25, limit: 2.5 } as const;

/**
 * Normalized attention guidance: extrapolates from the negative prompt's attention, limits the growth of each token's
 * L1 norm, and mixes the result with the plain attention. `[N, D]` → same.
 */
export function normalizedGuidance(positive: Value, negative: Value): Value {
  const { scale, mix, limit } = guidance;
  const extrapolated = subtract(affine(positive, scale), affine(negative, scale - 1)); // [N, D]
  const norm = (x: Value): Value => reduceSum(absolute(x), [1]); // [N, 1]
  // min(1, limit/ratio) with ratio = ‖extrapolated‖/‖positive‖; the offset keeps 0/0 away.
  const allowed = divide(affine(norm(positive), limit), affine(norm(extrapolated), 1, 1e-7)); // [N, 1]
  const limited = multiply(extrapolated, minimum(allowed, positive.graph.constant([1], []))); // [N, D]
  return add(affine(limited, mix), affine(positive, 1 - mix)); // [N, D]
}
