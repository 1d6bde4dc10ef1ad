import type { Graph } from '../../../graph/graph.ts';
import { add } from '../../../graph/operations/arithmetic.ts';
import type { RotaryTables } from '../../../graph/operations/attention.ts';
import { settled, withoutBias } from '../../../graph/operations/biased.ts';
import { rmsNormalize } from '../../../graph/operations/layers.ts';
import { concat, reshape, slice, tile } from '../../../graph/operations/shapes.ts';
import { axisLength, type Value } from '../../../graph/value.ts';
import type { ModuleWeights } from '../../../graph/weights/module-weights.ts';
import { SoundstageError } from '../../../shared/errors.ts';
import type { TransformerConfig } from '../../config.ts';
import { attention, feedForward } from '../../layers/attention.ts';
import { type RotaryFeed, rotaryInput, rotaryTables } from '../../layers/rotary.ts';
import type { Streams } from '../../transformer/block.ts';

/** Rotary tables of both connectors for contexts of `length` rows, as inputs; `connectorRotaryFeed` makes what to feed. */
export function connectorRotaryInput(config: TransformerConfig, length: number) {
  return rotaryInput(length, connectorWidth(config) / 2);
}

export function connectorRotaryFeed(config: TransformerConfig, length: number): RotaryFeed {
  return rotaryTables([Float32Array.from({ length }, (_, position) => position)], {
    dim: connectorWidth(config),
    maxPositions: config.connector_positional_embedding_max_pos,
    theta: config.positional_embedding_theta,
  });
}

function connectorWidth(config: TransformerConfig): number {
  return config.connector_num_attention_heads * config.connector_attention_head_dim;
}

interface ConnectorInputs {
  /** Of the n valid tokens, `[n, width]`; n must not exceed the context's length. */
  readonly features: Value;
  readonly rotary: RotaryTables;
}

/** The contexts `[1, length, width]` of both streams. */
export function connectors(
  graph: Graph,
  weights: ModuleWeights,
  inputs: ConnectorInputs,
  config: TransformerConfig,
  length: number,
): Streams<Value> {
  const context = (stream: keyof Streams<Value>): Value =>
    graph.scoped(`${stream}_connector`, () => {
      graph.beginPart();
      const rows = connector(graph, weights.at(`${stream}_embeddings_connector`), inputs, config, length); // [length, width]
      return reshape(rows, [1, ...rows.shape]); // [1, length, width]
    });
  return { video: context('video'), audio: context('audio') };
}

/**
 * One connector: features → context `[length, width]`, with learned registers in the rows behind the tokens. Nothing is
 * masked.
 *
 * @throws SoundstageError `weights` if `length` is not a multiple of the number of registers
 */
function connector(
  graph: Graph,
  weights: ModuleWeights,
  { features, rotary }: ConnectorInputs,
  config: TransformerConfig,
  length: number,
): Value {
  const { connector_num_layers: layers, connector_num_learnable_registers: registers, norm_eps: epsilon } = config;
  if (length % registers !== 0) {
    throw new SoundstageError('weights', `the text length ${length} is not a multiple of the ${registers} registers`);
  }
  const heads = config.connector_num_attention_heads;
  const everywhere = tile(weights.parameter('learnable_registers'), [length / registers, 1]); // [length, width]
  const behind = slice(everywhere, 0, axisLength(features, 0), length); // [length − n, width]
  let h = concat([features, behind], 0); // [length, width]
  for (let index = 0; index < layers; index++) {
    const block = weights.at(`transformer_1d_blocks.${index}`);
    graph.scoped(`block${index}`, () => {
      const own = withoutBias(rmsNormalize(h, epsilon)); // [length, width]
      const options = { heads, epsilon, queryRotary: rotary, keyRotary: rotary };
      h = add(h, settled(attention(block.at('attn1'), own, own, options))); // [length, width]
      h = add(h, settled(feedForward(block.at('ff'), withoutBias(rmsNormalize(h, epsilon))))); // [length, width]
    });
  }
  return rmsNormalize(h, epsilon); // [length, width]
}
