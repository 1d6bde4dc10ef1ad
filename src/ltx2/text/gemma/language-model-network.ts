import { addDimensions, symbol } from '../../../graph/dimension.ts';
import type { Graph } from '../../../graph/graph.ts';
import { floatInput, network } from '../../../graph/network.ts';
import { cast, reshape, slice, transpose } from '../../../graph/operations/shapes.ts';
import type { SameNames } from '../../../graph/tensor-group.ts';
import { knownLength, type Value } from '../../../graph/value.ts';
import type { ModuleWeights } from '../../../graph/weights/module-weights.ts';
import type { GemmaConfig } from '../../config.ts';
import { type GemmaSight, gemma, gemmaInputs, type LayerCache } from './gemma.ts';
import type { GemmaFolder } from './gemma-folder.ts';
import { gemmaSightInputs } from './gemma-sight.ts';

type TextConfig = GemmaConfig['text_config'];

const [n, past] = [symbol('n'), symbol('past')];

/**
 * Gemma as a language model with a cache: `past` positions are known, `n` new ones come in. The prompt is a run with
 * past = 0, each further token a run with n = 1. The head is the embedding table (tied).
 *
 * Outputs: `logits [1, vocabulary]` for the position after the last one and, per layer, the rows to append to the cache.
 */
export const languageModel = network({
  inputs: ({ config }: GemmaFolder) => ({ ...gemmaInputs(config.text_config), past: cacheInputs(config.text_config) }),
  build: (graph, weights, inputs, { config, root }) =>
    nextToken(graph, weights.at(root), inputs, config.text_config, inputs.past),
});

/** The same for texts with pictures among their tokens, all in the first run. */
export const seeingLanguageModel = network({
  inputs: (folder: GemmaFolder, target) => ({
    ...languageModel.inputs(folder, target),
    sight: gemmaSightInputs(folder.config),
  }),
  build: (graph, weights, inputs, { config, root }) =>
    nextToken(graph, weights.at(root), inputs, config.text_config, inputs.past, inputs.sight),
});

function cacheInputs(config: TextConfig) {
  const rows = floatInput(past, config.num_key_value_heads * config.head_dim);
  return Array.from({ length: config.num_hidden_layers }, () => ({ keys: rows, values: rows }));
}

function nextToken(
  graph: Graph,
  stack: ModuleWeights,
  inputs: SameNames<ReturnType<typeof gemmaInputs>, Value>,
  config: TextConfig,
  earlier: readonly LayerCache[],
  sight?: GemmaSight,
) {
  const caches = earlier.map(({ keys, values }) => ({
    keys: headsFirst(keys, config), // [1, kvHeads, past, headDim]
    values: headsFirst(values, config), // [1, kvHeads, past, headDim]
  }));
  const { states, cache } = gemma(graph, stack, inputs, config, caches, sight);
  const normed = states[config.num_hidden_layers] as Value; // [n, hidden]
  const last = slice(cast(normed, graph.target.arithmetic), 0, addDimensions(n, -1)); // [1, hidden]
  return {
    logits: stack.linearByRows(last, 'embed_tokens'), // [1, vocabulary]
    added: cache.map(({ keys, values }) => ({ keys: newRows(keys), values: newRows(values) })), // [n, kvHeads·headDim]
  };
}

/** Rows `[past, kvHeads·headDim]` as the attention wants them, `[1, kvHeads, past, headDim]`. */
function headsFirst(rows: Value, { num_key_value_heads: heads, head_dim: headDim }: TextConfig): Value {
  return transpose(reshape(rows, [1, past, heads, headDim]), [0, 2, 1, 3]);
}

/** The rows behind the `past` ones of `all [1, kvHeads, past + n, headDim]`, token by token `[n, kvHeads·headDim]`. */
function newRows(all: Value): Value {
  const rows = transpose(slice(all, 2, past), [0, 2, 1, 3]); // [1, n, kvHeads, headDim]
  return reshape(rows, [n, knownLength(all, 1) * knownLength(all, 3)]);
}
