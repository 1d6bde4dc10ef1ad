import type { Graph } from '../../../graph/graph.ts';
import { add, gelu } from '../../../graph/operations/arithmetic.ts';
import { rotate, scaledDotProductAttention } from '../../../graph/operations/attention.ts';
import { rmsNormalize } from '../../../graph/operations/layers.ts';
import { concat, slice, tile } from '../../../graph/operations/shapes.ts';
import { floatTensor } from '../../../graph/runtime/host-tensor.ts';
import type { Tensors } from '../../../graph/runtime/session.ts';
import { axisLength, type Value } from '../../../graph/value.ts';
import { SoundstageError } from '../../../shared/errors.ts';
import type { Checkpoint } from '../../checkpoint.ts';
import type { TransformerConfig } from '../../config.ts';
import { type Adapters, ModuleWeights } from '../../module-weights.ts';
import { ropeTables } from '../../rope.ts';
import { transformerPrefix } from '../../transformer/modules.ts';

/** Rotary tables `[length, heads·headDim/2]`. */
export interface ConnectorRotary {
  readonly cos: Value;
  readonly sin: Value;
}

/** Declares the connectors' rotary tables as graph inputs; `connectorFeeds` makes what to feed. */
export function connectorInputs(g: Graph, config: TransformerConfig, length: number): ConnectorRotary {
  const shape = [length, connectorWidth(config) / 2];
  return { cos: g.activation('connector_cos', shape), sin: g.activation('connector_sin', shape) };
}

/** The connectors' rotary tables for a context of `length` rows. */
export function connectorFeeds(config: TransformerConfig, length: number): Tensors {
  const dim = connectorWidth(config);
  const { cos, sin } = ropeTables([Float32Array.from({ length }, (_, position) => position)], {
    dim,
    maxPositions: config.connector_positional_embedding_max_pos,
    theta: config.positional_embedding_theta,
  });
  const shape = [length, dim / 2];
  return { connector_cos: floatTensor(cos, shape), connector_sin: floatTensor(sin, shape) };
}

/**
 * One connector: features of the n valid tokens `[n, width]` → context `[length, width]`, with learned registers in
 * the rows behind the tokens. Nothing is masked; n must not exceed `length`.
 *
 * @throws SoundstageError `weights` if `length` is not a multiple of the number of registers
 */
export function connector(
  g: Graph,
  bundle: Checkpoint,
  config: TransformerConfig,
  stream: 'video' | 'audio',
  features: Value,
  rotary: ConnectorRotary,
  length: number,
  adapters?: Adapters,
): Value {
  const weights = new ModuleWeights(g, bundle, transformerPrefix, adapters).at(`${stream}_embeddings_connector`);
  const { connector_num_layers: layers, connector_num_learnable_registers: registers, norm_eps: epsilon } = config;
  if (length % registers !== 0) {
    throw new SoundstageError('weights', `the text length ${length} is not a multiple of the ${registers} registers`);
  }
  const everywhere = tile(weights.parameter('learnable_registers'), [length / registers, 1]); // [length, width]
  const behind = slice(everywhere, 0, axisLength(features, 0), length); // [length − n, width]
  let h = concat([features, behind], 0); // [length, width]
  for (let index = 0; index < layers; index++) {
    g.scoped(`${stream}_connector.${index}`, () => {
      const block = weights.at(`transformer_1d_blocks.${index}`);
      h = add(h, selfAttention(block, config, rmsNormalize(h, epsilon), rotary)); // [length, width]
      h = add(h, feedForward(block, rmsNormalize(h, epsilon))); // [length, width]
    });
  }
  return rmsNormalize(h, epsilon);
}

function selfAttention(
  weights: ModuleWeights,
  { connector_num_attention_heads: heads, norm_eps: epsilon }: TransformerConfig,
  x: Value,
  rotary: ConnectorRotary,
): Value {
  const project = (name: string): Value => weights.linear(x, `attn1.to_${name}`);
  const normed = (name: string): Value =>
    rmsNormalize(project(name), epsilon, weights.parameter(`attn1.${name}_norm.weight`));
  const q = rotate(normed('q'), heads, rotary); // [length, heads·headDim]
  const k = rotate(normed('k'), heads, rotary); // [length, heads·headDim]
  const v = project('v'); // [length, heads·headDim]
  return weights.linear(scaledDotProductAttention(q, k, v, heads), 'attn1.to_out.0'); // [length, width]
}

function feedForward(weights: ModuleWeights, x: Value): Value {
  return weights.linear(gelu(weights.linear(x, 'ff.net.0.proj')), 'ff.net.2'); // [length, width]
}

function connectorWidth(config: TransformerConfig): number {
  return config.connector_num_attention_heads * config.connector_attention_head_dim;
}
