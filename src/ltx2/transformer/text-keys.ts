import { symbol } from '../../graph/dimension.ts';
import { floatInput, network } from '../../graph/network.ts';
import { gelu } from '../../graph/operations/arithmetic.ts';
import { settled, withoutBias } from '../../graph/operations/biased.ts';
import type { Value } from '../../graph/value.ts';
import type { ModuleWeights } from '../../graph/weights/module-weights.ts';
import type { TransformerConfig } from '../config.ts';
import { keysAndValues } from '../layers/attention.ts';
import { transformerPath } from './modules.ts';

/** Keys and values of the text for one block, `[S, D]` each. */
export type BlockText<Tensor> = { readonly keys: Tensor; readonly values: Tensor };

/**
 * What every block makes of the text before it attends to it. None of it depends on the step, so that it is worked out once where
 * there is memory to keep it. Takes the contexts `[S, H]` of both streams; outputs, for each, `BlockText` of every block.
 */
export const textKeys = network({
  inputs: ({ caption_channels: H }: TransformerConfig) => ({
    video: floatInput(symbol('S'), H),
    audio: floatInput(symbol('S'), H),
  }),

  build(graph, root, contexts, config) {
    const weights = root.at(transformerPath);
    const video = projectedText(weights.at('caption_projection'), contexts.video); // [S, D]
    const audio = projectedText(weights.at('audio_caption_projection'), contexts.audio); // [S, A]
    const streams: Record<'video' | 'audio', BlockText<Value>[]> = { video: [], audio: [] };
    for (let i = 0; i < config.num_layers; i++) {
      graph.beginPart();
      const block = weights.at(`transformer_blocks.${i}`);
      graph.scoped(`block${i}`, () => {
        streams.video.push(blockText(block.at('attn2'), video, config.num_attention_heads, config));
        streams.audio.push(blockText(block.at('audio_attn2'), audio, config.audio_num_attention_heads, config));
      });
    }
    return streams;
  },
});

/** Contexts `[S, H]` → `[S, D]`. */
export function projectedText(weights: ModuleWeights, rows: Value): Value {
  return weights.linear(gelu(weights.linear(rows, 'linear_1')), 'linear_2');
}

function blockText(
  weights: ModuleWeights,
  text: Value,
  heads: number,
  { norm_eps: epsilon }: TransformerConfig,
): BlockText<Value> {
  const { keys, values } = keysAndValues(weights, withoutBias(text), { heads, epsilon });
  return { keys, values: settled(values) };
}
