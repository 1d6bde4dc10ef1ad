import { addDimensions, type Dimension, symbol } from '../../../graph/dimension.ts';
import { Graph } from '../../../graph/graph.ts';
import type { GraphModel } from '../../../graph/graph-model.ts';
import type { GraphTarget } from '../../../graph/graph-target.ts';
import { cast, reshape, slice, transpose } from '../../../graph/operations/shapes.ts';
import { axisLength, type Value } from '../../../graph/value.ts';
import type { GemmaConfig } from '../../config.ts';
import { gemma, gemmaWeights, type LayerCache } from './gemma.ts';
import type { GemmaFolder } from './gemma-folder.ts';
import { rotaryInputs } from './gemma-rotary.ts';
import { linearByRows } from './linear-by-rows.ts';

type TextConfig = GemmaConfig['text_config'];

/**
 * Gemma as a language model with a cache: `past` positions are known, `n` new ones come in. The prompt is a run with
 * past = 0, each further token a run with n = 1. The head is the embedding table (tied).
 *
 * Inputs: `ids` int64 `[n]`, the tables of `rotaryFeeds` and, per layer, `past_keys.i` and `past_values.i`
 * `[past, keyValueHeads·headDim]`. Outputs: `logits` `[1, vocabulary]` for the position after the last one and, per
 * layer, `keys.i` and `values.i` `[n, keyValueHeads·headDim]`: the rows to append to the cache.
 */
export function languageModelGraph(target: GraphTarget, folder: GemmaFolder): GraphModel {
  const { text_config: config } = folder.config;
  const g = new Graph(target);
  const [n, past] = [symbol('n'), symbol('past')];
  const ids = g.input('ids', 'int64', [n]); // [n]
  const rotary = rotaryInputs(g, config);
  const weights = gemmaWeights(g, folder);
  const caches = Array.from({ length: config.num_hidden_layers }, (_, index) => pastInputs(g, config, index, past));
  const { states, cache } = gemma(g, weights, config, ids, rotary, caches);
  cache.forEach(({ keys, values }, index) => {
    g.output(`keys.${index}`, newRows(keys, past, n)); // [n, kvHeads·headDim]
    g.output(`values.${index}`, newRows(values, past, n)); // [n, kvHeads·headDim]
  });
  const normed = states[config.num_hidden_layers] as Value; // [n, hidden]
  const last = slice(cast(normed, target.arithmetic), 0, addDimensions(n, -1)); // [1, hidden]
  g.output('logits', linearByRows(g, last, weights.stored('embed_tokens.weight'))); // [1, vocabulary]
  return g.build();
}

/** Cached rows of one layer as the attention wants them, heads first. */
function pastInputs(g: Graph, config: TextConfig, index: number, past: Dimension): LayerCache {
  const { num_key_value_heads: heads, head_dim: headDim } = config;
  const read = (name: string): Value => {
    const rows = g.activation(`past_${name}.${index}`, [past, heads * headDim]); // [past, kvHeads·headDim]
    return transpose(reshape(rows, [1, past, heads, headDim]), [0, 2, 1, 3]); // [1, kvHeads, past, headDim]
  };
  return { keys: read('keys'), values: read('values') };
}

/** The rows behind the `past` ones of `all [1, kvHeads, past + n, headDim]`, token by token. */
function newRows(all: Value, past: Dimension, n: Dimension): Value {
  const rows = transpose(slice(all, 2, past), [0, 2, 1, 3]); // [1, n, kvHeads, headDim]
  return reshape(rows, [n, Number(axisLength(all, 1)) * Number(axisLength(all, 3))]);
}
