import { addDimensions, symbol } from '../../../graph/dimension.ts';
import type { Graph } from '../../../graph/graph.ts';
import { indexInput } from '../../../graph/network.ts';
import { add, affine, gelu, multiply } from '../../../graph/operations/arithmetic.ts';
import { groupQueryAttention, type RotaryTables } from '../../../graph/operations/attention.ts';
import { rmsNormalize } from '../../../graph/operations/layers.ts';
import { maskedAttention } from '../../../graph/operations/masked-attention.ts';
import { cast, concat, gather, reshape, slice } from '../../../graph/operations/shapes.ts';
import type { SameNames } from '../../../graph/tensor-group.ts';
import { axisLength, type Value } from '../../../graph/value.ts';
import type { ModuleWeights } from '../../../graph/weights/module-weights.ts';
import type { GemmaConfig } from '../../config.ts';
import { type GemmaRotary, gemmaRotaryInputs } from './gemma-rotary.ts';
import type { gemmaSightInputs } from './gemma-sight.ts';

type TextConfig = GemmaConfig['text_config'];

/** `gemmaSightInputs` inside a graph. */
export type GemmaSight = SameNames<ReturnType<typeof gemmaSightInputs>, Value>;

/** What attention needs beside the states: all positions' rotary tables, or with masks those of the new ones. */
interface View {
  readonly rotary: GemmaRotary;
  readonly masks: GemmaSight['masks'] | undefined;
}

/** Rotated keys and values of one layer, `[1, keyValueHeads, positions, headDim]`. */
export interface LayerCache {
  readonly keys: Value;
  readonly values: Value;
}

export interface GemmaOutput {
  /** Layers + 1 tensors `[n, hidden]` float32: scaled embeddings, residual stream after each layer, last one normed. */
  readonly states: readonly Value[];
  /** Per layer, for all positions so far. */
  readonly cache: readonly LayerCache[];
}

/** Token ids `[n]`, and rotary tables for as many positions as there may be. */
export function gemmaInputs(config: TextConfig) {
  return { ids: indexInput(symbol('n')), rotary: gemmaRotaryInputs(config) };
}

/**
 * Gemma 3's text stack (Gemma Team 2025, arXiv:2503.19786) over tokens without padding. The residual stream and the
 * norms are float32 on every target, because the stream outgrows float16 and loses its small updates in bf16.
 *
 * @param past caches of the positions before `ids`, one per layer
 * @param sight pictures among the tokens
 */
export function gemma(
  graph: Graph,
  weights: ModuleWeights,
  { ids, rotary }: SameNames<ReturnType<typeof gemmaInputs>, Value>,
  config: TextConfig,
  past?: readonly LayerCache[],
  sight?: GemmaSight,
): GemmaOutput {
  const states: Value[] = [];
  const cache: LayerCache[] = [];
  const view: View = { rotary: sight === undefined ? rotary : newRows(rotary, ids, past), masks: sight?.masks };
  let h = withPictures(embed(weights, ids, config), sight); // [n, hidden]
  for (let index = 0; index < config.num_hidden_layers; index++) {
    graph.beginPart();
    states.push(h);
    graph.scoped(`layers.${index}`, () => {
      const layer = weights.at(`layers.${index}`);
      const attention = selfAttention(layer, h, config, index, view, past?.[index]); // [n, hidden]
      h = add(h, rmsNorm(layer, attention.output, config, 'post_attention_layernorm')); // [n, hidden]
      const mlp = gatedMlp(layer, h, config); // [n, hidden]
      h = add(h, rmsNorm(layer, mlp, config, 'post_feedforward_layernorm')); // [n, hidden]
      cache.push(attention.cache);
    });
  }
  graph.beginPart();
  states.push(rmsNorm(weights, h, config, 'norm')); // [n, hidden]
  return { states, cache };
}

/** Whether layer `index` looks back over a window only. */
function isSliding(config: TextConfig, index: number): boolean {
  const { layer_types: types, sliding_window_pattern: pattern } = config;
  return types === undefined ? (index + 1) % pattern !== 0 : types[index] === 'sliding_attention';
}

/** Token ids `[n]` → `[n, hidden]`. */
function embed(weights: ModuleWeights, ids: Value, config: TextConfig): Value {
  // Rows first: the whole table in float32 would take gigabytes.
  const table = weights.storedParameter('embed_tokens.weight'); // [vocabulary, hidden] as stored
  const rows = cast(gather(table, ids), 'float32'); // [n, hidden]
  return affine(rows, Math.sqrt(config.hidden_size)); // [n, hidden]
}

/** The states of parts of pictures take the place of those of the tokens that stand for them: `h [n, hidden]` → same. */
function withPictures(h: Value, sight: GemmaSight | undefined): Value {
  if (sight === undefined) return h;
  const parts = cast(sight.features, 'float32'); // [k, hidden], not scaled as embeddings are
  return gather(concat([h, parts], 0), sight.rows); // [n, hidden]
}

/** The rows of the rotary tables for the positions of `ids`. */
function newRows({ sliding, global }: GemmaRotary, ids: Value, past: readonly LayerCache[] | undefined): GemmaRotary {
  const start = past?.[0] === undefined ? 0 : axisLength(past[0].keys, 2);
  const rows = (table: Value): Value => slice(table, 0, start, addDimensions(start, axisLength(ids, 0)));
  const both = ({ cos, sin }: RotaryTables): RotaryTables => ({ cos: rows(cos), sin: rows(sin) });
  return { sliding: both(sliding), global: both(global) };
}

/** `h [n, hidden]` → same. */
function selfAttention(
  weights: ModuleWeights,
  h: Value,
  config: TextConfig,
  index: number,
  { rotary, masks }: View,
  past: LayerCache | undefined,
): { output: Value; cache: LayerCache } {
  const { num_attention_heads: heads, num_key_value_heads: keyValueHeads } = config;
  const kind = isSliding(config, index) ? 'sliding' : 'global';
  const attention = weights.at('self_attn');
  const x = cast(rmsNorm(weights, h, config, 'input_layernorm'), h.graph.target.arithmetic); // [n, hidden]
  const q = headNorm(attention, attention.linear(x, 'q_proj'), config, 'q_norm', heads); // [n, heads·headDim]
  const k = headNorm(attention, attention.linear(x, 'k_proj'), config, 'k_norm', keyValueHeads); // [n, kvHeads·headDim]
  const v = attention.linear(x, 'v_proj'); // [n, kvHeads·headDim]
  const scale = config.query_pre_attn_scalar ** -0.5;
  const options = { heads, keyValueHeads, scale, past, rotary: rotary[kind] };
  const window = kind === 'sliding' ? config.sliding_window : undefined;
  const mask = masks?.[kind];
  const { attended, keys, values } =
    mask === undefined
      ? groupQueryAttention(q, k, v, { ...options, window })
      : maskedAttention(q, k, v, { ...options, mask }); // [n, heads·headDim]
  return { output: attention.linear(attended, 'o_proj'), cache: { keys, values } }; // [n, hidden]
}

/** `h [n, hidden]` → same. */
function gatedMlp(weights: ModuleWeights, h: Value, config: TextConfig): Value {
  const x = cast(rmsNorm(weights, h, config, 'pre_feedforward_layernorm'), h.graph.target.arithmetic); // [n, hidden]
  const gate = gelu(weights.linear(x, 'mlp.gate_proj')); // [n, intermediate]
  const up = weights.linear(x, 'mlp.up_proj'); // [n, intermediate]
  return weights.linear(multiply(gate, up), 'mlp.down_proj'); // [n, hidden]
}

/** Gemma's RMS norm over the last axis, times `1 + weight`, in float32. */
function rmsNorm(weights: ModuleWeights, x: Value, config: TextConfig, name: string): Value {
  return rmsNormalize(cast(x, 'float32'), config.rms_norm_eps, weights.offsetParameter(`${name}.weight`, 1));
}

/** RMS norm of each head of `x [n, heads·headDim]`, in and out in the arithmetic type. */
function headNorm(weights: ModuleWeights, x: Value, config: TextConfig, name: string, heads: number): Value {
  const split = reshape(x, [axisLength(x, 0), heads, config.head_dim]); // [n, heads, headDim]
  const normed = cast(rmsNorm(weights, split, config, name), x.graph.target.arithmetic); // [n, heads, headDim]
  return reshape(normed, x.shape); // [n, heads·headDim]
}
