import type { Graph } from '../../../graph/graph.ts';
import { add, affine, gelu, multiply } from '../../../graph/operations/arithmetic.ts';
import { groupQueryAttention } from '../../../graph/operations/attention.ts';
import { rmsNormalize } from '../../../graph/operations/layers.ts';
import { cast, gather, reshape } from '../../../graph/operations/shapes.ts';
import { axisLength, type Value } from '../../../graph/value.ts';
import type { GemmaConfig } from '../../config.ts';
import { ModuleWeights } from '../../module-weights.ts';
import type { GemmaFolder } from './gemma-folder.ts';
import type { GemmaRotary } from './gemma-rotary.ts';

type TextConfig = GemmaConfig['text_config'];

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

export function gemmaWeights(g: Graph, { checkpoint, prefix }: GemmaFolder): ModuleWeights {
  return new ModuleWeights(g, checkpoint, prefix);
}

/**
 * Gemma 3's text stack (Gemma Team 2025, arXiv:2503.19786) over tokens without padding. The residual stream and the
 * norms are float32 on every target, because the stream outgrows float16 and loses its small updates in bf16.
 *
 * @param ids int64 `[n]`
 * @param past caches of the positions before `ids`, one per layer
 */
export function gemma(
  g: Graph,
  weights: ModuleWeights,
  config: TextConfig,
  ids: Value,
  rotary: GemmaRotary,
  past?: readonly LayerCache[],
): GemmaOutput {
  const states: Value[] = [];
  const cache: LayerCache[] = [];
  let h = embed(g, weights, config, ids); // [n, hidden]
  for (let index = 0; index < config.num_hidden_layers; index++) {
    states.push(h);
    g.scoped(`layers.${index}`, () => {
      const layer = weights.at(`layers.${index}`);
      const attention = selfAttention(g, layer, config, index, h, rotary, past?.[index]); // [n, hidden]
      h = add(h, rmsNorm(layer, config, 'post_attention_layernorm', attention.output)); // [n, hidden]
      const mlp = gatedMlp(g, layer, config, h); // [n, hidden]
      h = add(h, rmsNorm(layer, config, 'post_feedforward_layernorm', mlp)); // [n, hidden]
      cache.push(attention.cache);
    });
  }
  states.push(rmsNorm(weights, config, 'norm', h));
  return { states, cache };
}

/** Whether layer `index` looks back over a window only. */
function isSliding(config: TextConfig, index: number): boolean {
  const { layer_types: types, sliding_window_pattern: pattern } = config;
  return types === undefined ? (index + 1) % pattern !== 0 : types[index] === 'sliding_attention';
}

function embed(g: Graph, weights: ModuleWeights, config: TextConfig, ids: Value): Value {
  // Rows first: the whole table in float32 would take gigabytes.
  const table = g.storedWeight(weights.stored('embed_tokens.weight')); // [vocabulary, hidden] as stored
  const rows = cast(gather(table, ids), 'float32'); // [n, hidden]
  return affine(rows, Math.sqrt(config.hidden_size));
}

function selfAttention(
  g: Graph,
  weights: ModuleWeights,
  config: TextConfig,
  index: number,
  h: Value,
  rotary: GemmaRotary,
  past: LayerCache | undefined,
): { output: Value; cache: LayerCache } {
  const { num_attention_heads: heads, num_key_value_heads: keyValueHeads } = config;
  const sliding = isSliding(config, index);
  const x = cast(rmsNorm(weights, config, 'input_layernorm', h), g.target.arithmetic); // [n, hidden]
  const project = (name: string): Value => weights.linear(x, `self_attn.${name}`);
  const q = headNorm(g, weights, config, 'self_attn.q_norm', project('q_proj'), heads); // [n, heads·headDim]
  const k = headNorm(g, weights, config, 'self_attn.k_norm', project('k_proj'), keyValueHeads); // [n, kvHeads·headDim]
  const v = project('v_proj'); // [n, kvHeads·headDim]
  const { attended, keys, values } = groupQueryAttention(q, k, v, {
    heads,
    keyValueHeads,
    scale: config.query_pre_attn_scalar ** -0.5,
    window: sliding ? config.sliding_window : undefined,
    past,
    rotary: sliding ? rotary.sliding : rotary.global,
  }); // [n, heads·headDim]
  return { output: weights.linear(attended, 'self_attn.o_proj'), cache: { keys, values } };
}

function gatedMlp(g: Graph, weights: ModuleWeights, config: TextConfig, h: Value): Value {
  const x = cast(rmsNorm(weights, config, 'pre_feedforward_layernorm', h), g.target.arithmetic); // [n, hidden]
  const gate = gelu(weights.linear(x, 'mlp.gate_proj')); // [n, intermediate]
  const up = weights.linear(x, 'mlp.up_proj'); // [n, intermediate]
  return weights.linear(multiply(gate, up), 'mlp.down_proj'); // [n, hidden]
}

/** Gemma's RMS norm over the last axis, times `1 + weight`, in float32. */
function rmsNorm(weights: ModuleWeights, config: TextConfig, name: string, x: Value): Value {
  return rmsNormalize(cast(x, 'float32'), config.rms_norm_eps, weights.offsetParameter(`${name}.weight`, 1));
}

/** RMS norm of each head of `x [n, heads·headDim]`, in and out in the arithmetic type. */
function headNorm(g: Graph, weights: ModuleWeights, config: TextConfig, name: string, x: Value, heads: number): Value {
  const split = reshape(x, [axisLength(x, 0), heads, config.head_dim]); // [n, heads, headDim]
  const normed = cast(rmsNorm(weights, config, name, split), g.target.arithmetic);
  return reshape(normed, x.shape);
}
