import { z } from 'zod';
import { symbol } from '../../graph/dimension.ts';
import { floatInput, network, networkGraph } from '../../graph/network.ts';
import { cast } from '../../graph/operations/shapes.ts';
import { floatTensor, type HostTensor, hostTensor, indexTensor } from '../../graph/runtime/host-tensor.ts';
import { floats, runOnce } from '../../graph/runtime/session.ts';
import { openCheckpoint } from '../../graph/weights/checkpoint.ts';
import { configOf, type TransformerConfig } from '../../ltx2/config.ts';
import { connectorRotaryFeed, connectorRotaryInput, connectors } from '../../ltx2/text/context/connectors.ts';
import { PromptEncoder } from '../../ltx2/text/context/prompt-encoder.ts';
import { stackStates, textFeatures } from '../../ltx2/text/context/text-features.ts';
import { gemma, gemmaInputs } from '../../ltx2/text/gemma/gemma.ts';
import { type GemmaFolder, openTextEncoder } from '../../ltx2/text/gemma/gemma-folder.ts';
import { gemmaRotaryFeeds } from '../../ltx2/text/gemma/gemma-rotary.ts';
import { Tokenizer } from '../../ltx2/text/tokenizer.ts';
import { transformerPath } from '../../ltx2/transformer/modules.ts';
import { elementAt } from '../../shared/element-at.ts';
import type { Evaluators, ParityCase } from './parity-case.ts';

const bundleFile = 'ltx-2-tiny.safetensors';
const tokenizeParams = z.object({ texts: z.array(z.string()), max_length: z.number().int() });
const pipelineParams = z.object({ text: z.string(), max_length: z.number().int() });

/** Text modules of the parity format. Padding, which the networks do not have, is dropped and put back here. */
export const textEvaluators: Evaluators = {
  tokenize: async (parityCase) => {
    const { texts, max_length } = parityCase.params(tokenizeParams);
    const tokenizer = await Tokenizer.open(parityCase.file('gemma'));
    const prompts = texts.map((text) => tokenizer.encodePrompt(text, max_length));
    const rows = (arrays: readonly Int32Array[]): HostTensor =>
      hostTensor('int32', Int32Array.from(arrays.flatMap((row) => [...row])), [texts.length, max_length]);
    return { ids: rows(prompts.map((prompt) => prompt.padded)), mask: rows(prompts.map((prompt) => prompt.mask)) };
  },

  gemma_hidden_states: async (parityCase) => {
    const encoder = await openTextEncoder(parityCase.file('gemma'));
    const { data } = await parityCase.integers('ids');
    const ids = (await validRows(parityCase)).rows.map((row) => Number(data[row]));
    const graph = networkGraph(hiddenStates, parityCase.target, encoder.checkpoint, encoder);
    return await runOnce(graph, {
      ids: indexTensor(ids),
      rotary: gemmaRotaryFeeds(encoder.config.text_config, ids.length),
    });
  },

  text_features: async (parityCase) => {
    const bundle = await openCheckpoint(parityCase.file(bundleFile));
    const states = await parityCase.floats('hidden_states');
    const [layers, hidden] = [elementAt(states.shape, 0), elementAt(states.shape, 2)];
    const graph = networkGraph(featuresOfStates, parityCase.target, bundle, { layers, hidden });
    const features = floats(await runOnce(graph, { states }), 'features');
    const { rows, length } = await validRows(parityCase);
    const width = elementAt(features.shape, 1);
    const padded = new Float32Array(length * width);
    rows.forEach((row, index) => {
      padded.set(features.data.subarray(index * width, (index + 1) * width), row * width);
    });
    return { features: floatTensor(padded, [1, length, width]) };
  },

  connectors: async (parityCase) => {
    const bundle = await openCheckpoint(parityCase.file(bundleFile));
    const config = configOf(bundle, 'transformer');
    const { data, shape } = await parityCase.floats('features');
    const { rows, length } = await validRows(parityCase);
    const width = elementAt(shape, 2);
    const valid = Float32Array.from(rows.flatMap((row) => [...data.subarray(row * width, (row + 1) * width)]));
    const features = floatTensor(valid, [rows.length, width]);
    const graph = networkGraph(contextsOfFeatures, parityCase.target, bundle, { config, width, length });
    const contexts = await runOnce(graph, { features, rotary: connectorRotaryFeed(config, length) });
    return { video_context: floats(contexts, 'video'), audio_context: floats(contexts, 'audio') };
  },

  text_pipeline: async (parityCase) => {
    const { text, max_length } = parityCase.params(pipelineParams);
    await using encoder = await PromptEncoder.open({
      encoder: parityCase.file('gemma'),
      bundle: parityCase.file(bundleFile),
      target: parityCase.target,
      length: max_length,
    });
    const { videoContext, audioContext } = await encoder.encode(text);
    return { video_context: videoContext, audio_context: audioContext };
  },
};

/** Parts of the text networks by themselves. */
const hiddenStates = network({
  inputs: ({ config }: GemmaFolder) => gemmaInputs(config.text_config),
  build: (graph, weights, inputs, { config, root }) => ({
    hidden_states: stackStates(gemma(graph, weights.at(root), inputs, config.text_config).states),
  }),
});

const featuresOfStates = network({
  inputs: ({ layers, hidden }: { layers: number; hidden: number }) => ({
    states: floatInput(layers, symbol('n'), hidden),
  }),
  build: (_, weights, { states }) => ({
    features: textFeatures(weights.at('text_embedding_projection'), cast(states, 'float32')),
  }),
});

const contextsOfFeatures = network({
  inputs: ({ config, width, length }: { config: TransformerConfig; width: number; length: number }) => ({
    features: floatInput(symbol('n'), width),
    rotary: connectorRotaryInput(config, length),
  }),
  build: (graph, weights, inputs, { config, length }) =>
    connectors(graph, weights.at(transformerPath), inputs, config, length),
});

/** Indices of the tokens that are not padding, and the number of all. */
async function validRows(parityCase: ParityCase): Promise<{ rows: readonly number[]; length: number }> {
  const { data } = await parityCase.integers('mask');
  const rows = Array.from(data, Number).flatMap((valid, row) => (valid === 1 ? [row] : []));
  return { rows, length: data.length };
}
