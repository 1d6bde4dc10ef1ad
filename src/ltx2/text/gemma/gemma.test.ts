import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RandomGemmaOptions, writeRandomGemma } from '../../../../test/text/random-gemma.ts';
import { referenceGemma } from '../../../../test/text/reference-gemma.ts';
import { onnxDataType } from '../../../graph/element-type.ts';
import { graphTargets } from '../../../graph/graph-target.ts';
import { network, networkGraph } from '../../../graph/network.ts';
import { ModelProtoSchema } from '../../../graph/onnx/onnx_pb.ts';
import { indexTensor } from '../../../graph/runtime/host-tensor.ts';
import { floats, runOnce, Session } from '../../../graph/runtime/session.ts';
import type { Value } from '../../../graph/value.ts';
import { gemma, gemmaInputs } from './gemma.ts';
import { type GemmaFolder, openTextEncoder } from './gemma-folder.ts';
import { gemmaRotaryFeeds } from './gemma-rotary.ts';

const ids = [2, 105, 17, 99, 4, 150, 33, 33, 8, 61, 120, 7];
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'soundstage-gemma-'));
});
afterAll(() => rm(root, { recursive: true }));

async function randomGemma(name: string, options?: RandomGemmaOptions): Promise<GemmaFolder> {
  const folder = join(root, name);
  await writeRandomGemma(folder, options);
  return await openTextEncoder(folder);
}

function gemmaGraph(folder: GemmaFolder, target = graphTargets.cpu) {
  let states: readonly Value[] = [];
  const lastStateOnly = network({
    inputs: ({ config }: GemmaFolder) => gemmaInputs(config.text_config),
    build(graph, weights, inputs, { config, root: stack }) {
      ({ states } = gemma(graph, weights.at(stack), inputs, config.text_config));
      return { last: states.at(-1) ?? inputs.ids };
    },
  });
  const model = networkGraph(lastStateOnly, target, folder.checkpoint, folder);
  return { states, model };
}

async function lastState(folder: GemmaFolder, tokens: readonly number[] = ids): Promise<Float32Array> {
  const feeds = { ids: indexTensor(tokens), rotary: gemmaRotaryFeeds(folder.config.text_config, tokens.length) };
  return floats(await runOnce(gemmaGraph(folder).model, feeds), 'last').data;
}

test('sliding windows cut attention as plain loops do', async () => {
  const folder = await randomGemma('plain');
  const { states } = await referenceGemma(folder, ids);
  const actual = await lastState(folder);
  expect(Math.max(...states.flat().map((value, at) => Math.abs(value - (actual[at] as number))))).toBeLessThan(1e-5);
});

test('shards and the newer key prefix give the same states', async () => {
  const expected = await lastState(await randomGemma('plain'));
  const sharded = await randomGemma('sharded', { shards: 3, prefix: 'model.language_model.' });
  expect(await lastState(sharded)).toEqual(expected);
});

test('newer configurations say the same in other words', async () => {
  const expected = await lastState(await randomGemma('plain'));
  const layer_types = ['sliding_attention', 'sliding_attention', 'full_attention', 'sliding_attention'];
  const rope_parameters = {
    full_attention: { rope_type: 'linear', rope_theta: 1_000_000, factor: 8 },
    sliding_attention: { rope_type: 'default', rope_theta: 10_000 },
  };
  const text = { sliding_window_pattern: undefined, rope_scaling: undefined, layer_types, rope_parameters };
  expect(await lastState(await randomGemma('newer', { text }))).toEqual(expected);
  const allGlobal = layer_types.map(() => 'full_attention');
  const other = await randomGemma('global', { text: { ...text, layer_types: allGlobal } });
  expect(await lastState(other)).not.toEqual(expected);
});

test('an index that leaves its folder, a missing shard and a foreign model are refused by name', async () => {
  const folder = join(root, 'broken');
  await writeRandomGemma(folder, { shards: 2 });
  await rm(join(folder, 'model-00002-of-00002.safetensors'));
  await expect(openTextEncoder(folder)).rejects.toThrow('model-00002-of-00002.safetensors does not exist');
  await writeFile(join(folder, 'model.safetensors.index.json'), '{"weight_map":{"a":"../other.safetensors"}}');
  await expect(openTextEncoder(folder)).rejects.toThrow('is not an index');
  await writeRandomGemma(join(root, 'foreign'), { prefix: 'transformer.' });
  await expect(openTextEncoder(join(root, 'foreign'))).rejects.toThrow('holds no Gemma 3 text stack');
  await expect(openTextEncoder(join(root, 'nowhere'))).rejects.toThrow('config.json does not exist');
});

test('settings that are not implemented are refused', async () => {
  const scaled = randomGemma('yarn', { text: { rope_scaling: { rope_type: 'yarn', factor: 8 } } });
  await expect(scaled).rejects.toThrow('gemma.text_config.rope_scaling');
  await expect(randomGemma('capped', { text: { final_logit_softcapping: 30 } })).rejects.toThrow('softcapping');
});

test('rows are picked from the embedding table as stored', async () => {
  const { graph } = fromBinary(ModelProtoSchema, gemmaGraph(await randomGemma('plain')).model.bytes);
  const gather = graph?.node.find(({ opType }) => opType === 'Gather');
  const table = graph?.initializer.find(({ name }) => name === gather?.input[0]);
  expect(table?.dataType).toBe(onnxDataType('bfloat16'));
});

test('norm weights are offset before the first activation is computed', async () => {
  const { graph } = fromBinary(ModelProtoSchema, gemmaGraph(await randomGemma('plain')).model.bytes);
  const nodes = graph?.node ?? [];
  const first = nodes.findIndex(({ opType }) => opType === 'Gather');
  // 4 layers with 6 norms and the last norm.
  expect(nodes.slice(0, first).filter(({ opType }) => opType === 'Add')).toHaveLength(25);
});

test('the CUDA form attends in bf16 and keeps the residual stream in float32', async () => {
  const { states, model } = gemmaGraph(await randomGemma('plain'), graphTargets.cuda);
  expect(new Set(states.map(({ dtype }) => dtype))).toEqual(new Set(['float32']));
  const { graph } = fromBinary(ModelProtoSchema, model.bytes);
  const attention = graph?.node.find(({ opType }) => opType === 'GroupQueryAttention');
  const casts = graph?.node.filter(({ output }) => attention?.input.slice(7).includes(output[0] ?? ''));
  expect(casts?.map(({ attribute }) => attribute[0]?.i)).toEqual([16n, 16n]);
});

test('scores of a long text are never materialised', async () => {
  const folder = await openTextEncoder(join(import.meta.dirname, '../../../../test/fixtures/parity/checkpoint/gemma'));
  const { text_config } = folder.config;
  const { model } = gemmaGraph(folder);
  const feeds = (n: number) => ({
    ids: indexTensor(Array.from({ length: n }, (_, at) => at % 600)),
    rotary: gemmaRotaryFeeds(text_config, n),
  });
  const long = feeds(6144);
  await using session = await Session.open(model);
  await session.run(feeds(64));
  const before = await peakBytes();
  await session.run(long);
  // One layer's scores would take 4 heads · 6144² · 4 bytes = 604 MB.
  expect((await peakBytes()) - before).toBeLessThan(200e6);
});

/** The process's high-water mark of resident memory. */
async function peakBytes(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => undefined);
  const kilobytes = /VmHWM:\s+(\d+)/.exec(status ?? '')?.[1];
  return kilobytes === undefined ? process.resourceUsage().maxRSS * 1024 : Number(kilobytes) * 1024;
}
