import { multiplyDimensions, sameShape } from '../dimension.ts';
import { axisLength, knownLength, type Value } from '../value.ts';
import { add, affine, softmax } from './arithmetic.ts';
import type { GroupQueryOptions, RotaryTables } from './attention.ts';
import { multiplyMatrices } from './layers.ts';
import { cast, concat, reshape, transpose } from './shapes.ts';

export interface MaskedAttentionOptions extends Omit<GroupQueryOptions, 'window' | 'rotary'> {
  /** What is added to the scores, `[n, past + n]`: 0 where a query sees a key, −∞ where it does not. */
  readonly mask: Value;
  /** Tables `[n, headDim/2]` in the arithmetic type, of the new positions alone. */
  readonly rotary: RotaryTables;
}

/**
 * Grouped-query attention with rotary embedding, where a mask says who sees whom; otherwise as `groupQueryAttention`, whose
 * operator never looks ahead. Scores are materialised, in float32: for texts of hundreds of tokens.
 */
export function maskedAttention(
  q: Value,
  k: Value,
  v: Value,
  { heads, keyValueHeads, scale, past, rotary, mask }: MaskedAttentionOptions,
): { attended: Value; keys: Value; values: Value } {
  const [n, headDim] = [axisLength(q, 0), knownLength(q, 1) / heads];
  const groups = heads / keyValueHeads;
  const queriesPerHead = multiplyDimensions(groups, n);
  const behind = (earlier: Value | undefined, x: Value): Value => {
    const added = transpose(reshape(x, [1, n, keyValueHeads, headDim]), [0, 2, 1, 3]); // [1, kvHeads, n, headDim]
    return earlier === undefined ? added : concat([earlier, added], 2);
  };
  const keys = behind(past?.keys, rotateTokens(k, keyValueHeads, rotary)); // [1, kvHeads, past + n, headDim]
  const values = behind(past?.values, v); // [1, kvHeads, past + n, headDim]
  const total = axisLength(keys, 2);
  if (!sameShape(mask.shape, [n, total])) throw q.graph.mismatch('the mask does not fit', q, mask);

  const turned = affine(cast(rotateTokens(q, heads, rotary), 'float32'), scale); // [n, heads·headDim]
  const grouped = transpose(reshape(turned, [n, keyValueHeads, groups, headDim]), [1, 2, 0, 3]); // [kvHeads, groups, n, headDim]
  const flat = (x: Value): Value => reshape(cast(x, 'float32'), [keyValueHeads, total, headDim]);
  const queries = reshape(grouped, [keyValueHeads, queriesPerHead, headDim]); // [kvHeads, groups·n, headDim]
  const scores = multiplyMatrices(queries, transpose(flat(keys), [0, 2, 1])); // [kvHeads, groups·n, past + n]
  const masked = add(reshape(scores, [keyValueHeads, groups, n, total]), cast(mask, 'float32'));
  const shares = reshape(softmax(masked), [keyValueHeads, queriesPerHead, total]); // [kvHeads, groups·n, past + n]
  const found = multiplyMatrices(shares, flat(values)); // [kvHeads, groups·n, headDim]
  const tokens = transpose(reshape(found, [keyValueHeads, groups, n, headDim]), [2, 0, 1, 3]); // [n, kvHeads, groups, headDim]
  return { attended: cast(reshape(tokens, q.shape), q.dtype), keys, values };
}

/** Rotates the halves of every head of `x [n, heads·headDim]`; the heads of a token share its row of `[n, headDim/2]`. */
function rotateTokens(x: Value, heads: number, { cos, sin }: RotaryTables): Value {
  const [n, width] = [axisLength(x, 0), knownLength(x, 1)];
  const table = [n, width / heads / 2];
  if (![cos, sin].every(({ shape }) => sameShape(shape, table))) throw x.graph.mismatch('bad rotary tables', x, cos);
  const inputs = [x, cos, sin].map((value) => reshape(value, [1, ...value.shape]));
  const rotated = x.graph.node('RotaryEmbedding', inputs, [1, n, width], { attributes: { num_heads: heads } });
  return reshape(rotated, x.shape);
}
