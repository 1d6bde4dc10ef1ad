import type { Graph } from '../../graph/graph.ts';
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
import { rotate, scaledDotProductAttention } from '../../graph/operations/attention.ts';
import { rmsNormalize } from '../../graph/operations/layers.ts';
import type { Value } from '../../graph/value.ts';
import type { ModuleWeights } from '../module-weights.ts';

/** Rotary tables `[tokens, heads·headDim/2]`. */
export interface Rope {
  readonly cos: Value;
  readonly sin: Value;
}

export interface AttentionOptions {
  readonly heads: number;
  readonly epsilon: number;
  readonly queryRope?: Rope;
  readonly keyRope?: Rope;
  /** Context of a negative prompt `[S, D]`: turns on normalised attention guidance. */
  readonly negativeContext?: Value | undefined;
}

/** Queries from `x [N, D]`, keys and values from `context [M, E]` → `[N, D]`. Norms span all heads. */
export function attention(g: Graph, w: ModuleWeights, x: Value, context: Value, options: AttentionOptions): Value {
  const { heads, epsilon, queryRope, keyRope, negativeContext } = options;
  let q = rmsNormalize(w.linear(x, 'to_q'), epsilon, w.parameter('q_norm.weight')); // [N, inner]
  if (queryRope !== undefined) q = rotate(q, heads, queryRope);
  const attendTo = (source: Value): Value => {
    let k = rmsNormalize(w.linear(source, 'to_k'), epsilon, w.parameter('k_norm.weight')); // [M, inner]
    if (keyRope !== undefined) k = rotate(k, heads, keyRope);
    return scaledDotProductAttention(q, k, w.linear(source, 'to_v'), heads); // [N, inner]
  };
  let attended = attendTo(context);
  if (negativeContext !== undefined) attended = normalizedGuidance(g, attended, attendTo(negativeContext));
  return w.linear(attended, 'to_out.0'); // [N, D]
}

/** Defaults of the published node for this model (KJNodes, LTX2_NAG). */
const guidance = { scale: 11, mix: 0.25, limit: 2.5 } as const;

/**
 * Normalised attention guidance: extrapolates from the negative prompt's attention, limits the growth of each token's
 * L1 norm, and mixes the result with the plain attention.
 */
export function normalizedGuidance(g: Graph, positive: Value, negative: Value): Value {
  const { scale, mix, limit } = guidance;
  const extrapolated = subtract(affine(positive, scale), affine(negative, scale - 1)); // [N, D]
  const norm = (x: Value): Value => reduceSum(absolute(x), [1]); // [N, 1]
  // min(1, limit/ratio) with ratio = ‖extrapolated‖/‖positive‖; the offset keeps 0/0 away.
  const allowed = divide(affine(norm(positive), limit), affine(norm(extrapolated), 1, 1e-7));
  const limited = multiply(extrapolated, minimum(allowed, g.constant([1], [])));
  return add(affine(limited, mix), affine(positive, 1 - mix));
}
