import { addDimensions, symbol } from '../../../graph/dimension.ts';
import { floatInput, network } from '../../../graph/network.ts';
import { cast, reshape, slice, transpose } from '../../../graph/operations/shapes.ts';
import { knownLength, type Value } from '../../../graph/value.ts';
import type { GemmaConfig } from '../../config.ts';
import { gemma, gemmaInputs } from './gemma.ts';
import type { GemmaFolder } from './gemma-folder.ts';

type TextConfig = GemmaConfig['text_config'];

const [n, past] = [symbol('n'), symbol('past')];

/**
 * Gemma as a language model with a cache: `past` positions are known, `n` new ones come in. The prompt is a run with
 * past = 0, each further token a run with n = 1. The head is the embedding table (tied).
 *
 * Outputs: `logits [1, vocabulary]` for the position after the last one and, per layer, the rows to append to the cache.
 */
export const languageModel = network({
  inputs({ config: { text_config: config } }: GemmaFolder) {
    const rows = floatInput(past, config.num_key_value_heads * config.head_dim);
    const layers = Array.from({ length: config.num_hidden_layers }, () => ({ keys: rows, values: rows }));
    return { ...gemmaInputs(config), past: layers };
  },

  build(graph, weights, inputs, { config: { text_config: config }, root }) {
    const stack = weights.at(root);
    const caches = inputs.past.map(({ keys, values }) => ({
      keys: headsFirst(keys, config), // [1, kvHeads, past, headDim]
      values: headsFirst(values, config), // [1, kvHeads, past, headDim]
    }));
    const { states, cache } = gemma(graph, stack, inputs, config, caches);
    const normed = states[config.num_hidden_layers] as Value; // [n, hidden]
    const last = slice(cast(normed, graph.target.arithmetic), 0, addDimensions(n, -1)); // [1, hidden]
    return {
      logits: stack.linearByRows(last, 'embed_tokens'), // [1, vocabulary]
      added: cache.map(({ keys, values }) => ({ keys: newRows(keys), values: newRows(values) })), // [n, kvHeads·headDim]
    };
  },
});

/** Rows `[past, kvHeads·headDim]` as the attention wants them, `[1, kvHeads, past, headDim]`. */
function headsFirst(rows: Value, { num_key_value_heads: heads, head_dim: headDim }: TextConfig): Value {
  return transpose(reshape(rows, [1, past, heads, headDim]), [0, 2, 1, 3]);
}

/** The rows behind the `past` ones of `all [1, kvHeads, past + n, headDim]`, token by token `[n, kvHeads·headDim]`. */
function newRows(all: Value): Value {
  const rows = transpose(slice(all, 2, past), [0, 2, 1, 3]); // [1, n, kvHeads, headDim]
  return reshape(rows, [n, knownLength(all, 1) * knownLength(all, 3)]);
}
