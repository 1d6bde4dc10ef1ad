import { addDimensions, type Dimension, multiplyDimensions, sameDimension, sameShape } from '../dimension.ts';
import type { Graph } from '../graph.ts';
import type { GraphTarget } from '../graph-target.ts';
import type { NodeOptions } from '../onnx-encoding.ts';
import { axisLength, knownLength, type Value } from '../value.ts';
import { cast, reshape } from './shapes.ts';

/** Cosines and sines of rotary embedding. */
export interface RotaryTables {
  readonly cos: Value;
  readonly sin: Value;
}

export interface GroupQueryOptions {
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly scale: number;
  /** Keys a query may look back on, itself included; absent: all. */
  readonly window?: number | undefined;
  /** Keys and values of earlier positions `[1, keyValueHeads, past, headDim]`. */
  readonly past?: { readonly keys: Value; readonly values: Value } | undefined;
  /** Tables `[positions, headDim/2]` in the arithmetic type, with a row for every position, past ones included. */
  readonly rotary: RotaryTables;
}

/**
 * Rotates the halves of every head: `x [N, heads·headDim]`, tables `[N·heads, headDim/2]`. Each head has its own
 * angles, so tokens × heads are presented to the runtime as positions of a single head.
 */
export function rotate(x: Value, heads: number, { cos, sin }: RotaryTables): Value {
  const headDim = knownLength(x, 1) / heads;
  const positions = multiplyDimensions(axisLength(x, 0), heads);
  const table = [1, positions, headDim / 2];
  const inputs = [reshape(x, [1, positions, headDim]), reshape(cos, table), reshape(sin, table)];
  const rotated = x.graph.node('RotaryEmbedding', inputs, [1, positions, headDim], { attributes: { num_heads: 1 } });
  return reshape(rotated, x.shape);
}

const attentionOptions: Readonly<Record<GraphTarget['attention'], (heads: number) => NodeOptions>> = {
  MultiHeadAttention: (heads) => ({ domain: 'com.microsoft', attributes: { num_heads: heads } }),
  Attention: (heads) => ({ attributes: { q_num_heads: heads, kv_num_heads: heads } }),
};

/** softmax(q·kᵀ/√headDim)·v without a mask: `q [N, D]`, `k, v [M, D]` → `[N, D]`; scores are never materialised. */
export function scaledDotProductAttention(q: Value, k: Value, v: Value, heads: number): Value {
  const [queries, keys, values] = [q, k, v].map((x) => reshape(x, [1, ...x.shape]));
  if (queries === undefined || keys === undefined || values === undefined) throw new Error('unreachable');
  if (!sameDimension(axisLength(q, 1), axisLength(k, 1)) || !sameShape(k.shape, v.shape)) {
    throw q.graph.mismatch('cannot attend', q, k, v);
  }
  q.graph.countMultiplications(2, ...q.shape, axisLength(k, 0));
  const { attention: operator } = q.graph.target;
  const attended = q.graph.node(operator, [queries, keys, values], queries.shape, attentionOptions[operator](heads));
  return reshape(attended, q.shape);
}

/**
 * Causal grouped-query attention with rotary embedding: `q [n, heads·headDim]`, `k, v [n, keyValueHeads·headDim]`,
 * positions counted from the end of `past`; scores are never materialised. Returns the attended values and the
 * rotated keys and the values of all positions `[1, keyValueHeads, past + n, headDim]`.
 */
export function groupQueryAttention(
  q: Value,
  k: Value,
  v: Value,
  options: GroupQueryOptions,
): { attended: Value; keys: Value; values: Value } {
  const { heads, keyValueHeads, scale, window, past } = options;
  const { cos, sin } = options.rotary;
  const headDim = knownLength(q, 1) / heads;
  const n = axisLength(q, 0);
  if (![k, v].every((x) => sameShape(x.shape, [n, keyValueHeads * headDim])))
    throw q.graph.mismatch('cannot attend', q, k);
  if (![cos, sin].every((x) => knownLength(x, 1) === headDim / 2)) throw q.graph.mismatch('bad rotary tables', q, cos);
  const earlier = past === undefined ? 0 : axisLength(past.keys, 2);
  if (past !== undefined && !sameShape(past.keys.shape, [1, keyValueHeads, earlier, headDim])) {
    throw q.graph.mismatch('bad past', q, past.keys);
  }
  const total = addDimensions(earlier, n);
  const cache = [1, keyValueHeads, total, headDim];
  q.graph.countMultiplications(2, ...q.shape, total);
  const [attended, keys, values] = q.graph.nodes(
    'GroupQueryAttention',
    [
      ...[q, k, v].map((x) => reshape(x, [1, ...x.shape])),
      ...[past?.keys, past?.values],
      ...[lengthValue(q.graph, addDimensions(total, -1)), lengthValue(q.graph, total)],
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
  return { attended: reshape(attended, q.shape), keys, values };
}

/** The run-time value of a length as int32 `[1]`. */
function lengthValue(graph: Graph, length: Dimension): Value {
  return cast(graph.dimensionValue(length), 'int32');
}
