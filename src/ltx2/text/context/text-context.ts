import { symbol } from '../../../graph/dimension.ts';
import { Graph } from '../../../graph/graph.ts';
import type { GraphModel } from '../../../graph/graph-model.ts';
import type { GraphTarget } from '../../../graph/graph-target.ts';
import { reshape } from '../../../graph/operations/shapes.ts';
import type { Tensors } from '../../../graph/runtime/session.ts';
import type { Value } from '../../../graph/value.ts';
import type { Checkpoint } from '../../checkpoint.ts';
import type { TransformerConfig } from '../../config.ts';
import type { Adapters } from '../../module-weights.ts';
import { gemma, gemmaWeights } from '../gemma/gemma.ts';
import type { GemmaFolder } from '../gemma/gemma-folder.ts';
import { rotaryFeeds, rotaryInputs } from '../gemma/gemma-rotary.ts';
import { connector, connectorFeeds, connectorInputs } from './connectors.ts';
import { stackStates, textFeatures } from './text-features.ts';

/** What turns token ids into contexts: a text encoder and the bundle's own parts. */
export interface TextNetworks {
  readonly encoder: GemmaFolder;
  readonly bundle: Checkpoint;
  readonly config: TransformerConfig;
}

/**
 * Token ids to contexts in one graph, so that the hidden states of all layers never leave the device.
 *
 * Inputs: `ids` int64 `[n]`, n ≤ length, and the tables of `textContextFeeds`. Outputs: `video_context` and
 * `audio_context` float32 `[1, length, width]`.
 */
export function textContextGraph(
  target: GraphTarget,
  networks: TextNetworks,
  length: number,
  adapters?: Adapters,
): GraphModel {
  const { encoder, bundle, config } = networks;
  const { text_config } = encoder.config;
  const g = new Graph(target);
  const ids = g.input('ids', 'int64', [symbol('n')]); // [n]
  const rotary = rotaryInputs(g, text_config);
  const { states } = gemma(g, gemmaWeights(g, encoder), text_config, ids, rotary); // L+1 × [n, hidden]
  const features = textFeatures(g, bundle, stackStates(states), adapters); // [n, width]
  outputContexts(g, bundle, config, features, length, adapters);
  return g.build();
}

/** The inputs of `textContextGraph` that do not depend on the text. */
export function textContextFeeds({ encoder, config }: TextNetworks, length: number): Tensors {
  return { ...rotaryFeeds(encoder.config.text_config, length), ...connectorFeeds(config, length) };
}

/** Both connectors over the same features, as graph outputs. */
export function outputContexts(
  g: Graph,
  bundle: Checkpoint,
  config: TransformerConfig,
  features: Value,
  length: number,
  adapters?: Adapters,
): void {
  const rotary = connectorInputs(g, config, length);
  for (const stream of ['video', 'audio'] as const) {
    const context = connector(g, bundle, config, stream, features, rotary, length, adapters); // [length, width]
    g.output(`${stream}_context`, reshape(context, [1, ...context.shape]));
  }
}
