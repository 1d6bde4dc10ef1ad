import { type Feeds, network } from '../../../graph/network.ts';
import type { TransformerConfig } from '../../config.ts';
import { transformerPath } from '../../transformer/modules.ts';
import { gemma, gemmaInputs } from '../gemma/gemma.ts';
import type { GemmaFolder } from '../gemma/gemma-folder.ts';
import { gemmaRotaryFeeds } from '../gemma/gemma-rotary.ts';
import { connectorRotaryFeed, connectorRotaryInput, connectors } from './connectors.ts';
import { stackStates, textFeatures } from './text-features.ts';

/** What turns token ids into contexts: a text encoder, and the parts of the bundle's transformer that read it. */
export interface TextContextConfig {
  readonly encoder: GemmaFolder;
  readonly transformer: TransformerConfig;
  /** Rows of a context. */
  readonly length: number;
}

/**
 * Token ids, of which there are n ≤ length, to the contexts of both streams: in one graph, so that the hidden states of all
 * layers never leave the device. The weights are those of the text encoder and the bundle. Outputs: `video` and `audio`
 * `[1, length, width]`.
 */
export const textContext = network({
  inputs: ({ encoder, transformer, length }: TextContextConfig) => ({
    ...gemmaInputs(encoder.config.text_config),
    connectorRotary: connectorRotaryInput(transformer, length),
  }),

  build(graph, weights, inputs, { encoder, transformer, length }) {
    const { states } = gemma(graph, weights.at(encoder.root), inputs, encoder.config.text_config); // L+1 × [n, hidden]
    const features = textFeatures(weights.at('text_embedding_projection'), stackStates(states)); // [n, width]
    return connectors(
      graph,
      weights.at(transformerPath),
      { features, rotary: inputs.connectorRotary },
      transformer,
      length,
    );
  },
});

/** The inputs that do not depend on the text. */
export function textContextFeeds({ encoder, transformer, length }: TextContextConfig) {
  return {
    rotary: gemmaRotaryFeeds(encoder.config.text_config, length),
    connectorRotary: connectorRotaryFeed(transformer, length),
  } satisfies Omit<Feeds<typeof textContext>, 'ids'>;
}
