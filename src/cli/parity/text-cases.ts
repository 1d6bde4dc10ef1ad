import { z } from 'zod';
import { symbol } from '../../graph/dimension.ts';
import { Graph } from '../../graph/graph.ts';
import { graphTargets } from '../../graph/graph-target.ts';
import { floatTensor, type HostTensor, hostTensor, indexTensor } from '../../graph/runtime/host-tensor.ts';
import { floats, runOnce } from '../../graph/runtime/session.ts';
import { configSection, openCheckpoint } from '../../ltx2/checkpoint.ts';
import { parseConfig } from '../../ltx2/config.ts';
import { connectorFeeds } from '../../ltx2/text/context/connectors.ts';
import { PromptEncoder } from '../../ltx2/text/context/prompt-encoder.ts';
import { outputContexts } from '../../ltx2/text/context/text-context.ts';
import { stackStates, textFeatures } from '../../ltx2/text/context/text-features.ts';
import { gemma, gemmaWeights } from '../../ltx2/text/gemma/gemma.ts';
import { openTextEncoder } from '../../ltx2/text/gemma/gemma-folder.ts';
import { rotaryFeeds, rotaryInputs } from '../../ltx2/text/gemma/gemma-rotary.ts';
import { Tokenizer } from '../../ltx2/text/tokenizer.ts';
import type { Evaluators, ParityCase } from './parity-case.ts';

const bundleFile = 'ltx-2-tiny.safetensors';
const target = graphTargets.cpu;

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
    const { text_config } = encoder.config;
    const { data } = await parityCase.integers('ids');
    const ids = (await validRows(parityCase)).rows.map((row) => Number(data[row]));
    const g = new Graph(target);
    const input = g.input('ids', 'int64', [symbol('n')]);
    const { states } = gemma(g, gemmaWeights(g, encoder), text_config, input, rotaryInputs(g, text_config));
    g.output('hidden_states', stackStates(states));
    return await runOnce(g.build(), { ids: indexTensor(ids), ...rotaryFeeds(text_config, ids.length) });
  },

  text_features: async (parityCase) => {
    const bundle = await openCheckpoint(parityCase.file(bundleFile));
    const states = await parityCase.floats('hidden_states');
    const [layers = 0, , hidden = 0] = states.shape;
    const g = new Graph(target);
    const input = g.input('hidden_states', 'float32', [layers, symbol('n'), hidden]);
    g.output('features', textFeatures(g, bundle, input));
    const features = floats(await runOnce(g.build(), { hidden_states: states }), 'features');
    const { rows, length } = await validRows(parityCase);
    const width = features.shape[1] ?? 0;
    const padded = new Float32Array(length * width);
    rows.forEach((row, index) => {
      padded.set(features.data.subarray(index * width, (index + 1) * width), row * width);
    });
    return { features: floatTensor(padded, [1, length, width]) };
  },

  connectors: async (parityCase) => {
    const bundle = await openCheckpoint(parityCase.file(bundleFile));
    const config = parseConfig('transformer', configSection(bundle, 'transformer'), bundle.path);
    const { data, shape } = await parityCase.floats('features');
    const { rows, length } = await validRows(parityCase);
    const width = shape[2] ?? 0;
    const valid = Float32Array.from(rows.flatMap((row) => [...data.subarray(row * width, (row + 1) * width)]));
    const g = new Graph(target);
    outputContexts(g, bundle, config, g.activation('features', [symbol('n'), width]), length);
    const features = floatTensor(valid, [rows.length, width]);
    return await runOnce(g.build(), { features, ...connectorFeeds(config, length) });
  },

  text_pipeline: async (parityCase) => {
    const { text, max_length } = parityCase.params(pipelineParams);
    await using encoder = await PromptEncoder.open({
      encoder: parityCase.file('gemma'),
      bundle: parityCase.file(bundleFile),
      target,
      length: max_length,
    });
    const { videoContext, audioContext } = await encoder.encode(text);
    return { video_context: videoContext, audio_context: audioContext };
  },
};

/** Indices of the tokens that are not padding, and the number of all. */
async function validRows(parityCase: ParityCase): Promise<{ rows: readonly number[]; length: number }> {
  const { data } = await parityCase.integers('mask');
  const rows = Array.from(data, Number).flatMap((valid, row) => (valid === 1 ? [row] : []));
  return { rows, length: data.length };
}
