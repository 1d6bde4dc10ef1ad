import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { GraphModel } from '../../../graph/graph-model.ts';
import { type GraphTarget, graphTargets } from '../../../graph/graph-target.ts';
import { networkGraph } from '../../../graph/network.ts';
import { Session } from '../../../graph/runtime/session.ts';
import { joinCheckpoints, openCheckpoint } from '../../../graph/weights/checkpoint.ts';
import { configOf } from '../../config.ts';
import { openTextEncoder } from '../gemma/gemma-folder.ts';
import { PromptEncoder } from './prompt-encoder.ts';
import { textContext } from './text-context.ts';

const checkpoint = join(import.meta.dirname, '../../../../test/fixtures/parity/checkpoint');
const files = { encoder: join(checkpoint, 'gemma'), bundle: join(checkpoint, 'ltx-2-tiny.safetensors') };
const target = graphTargets.cpu;

async function textContextGraph(target: GraphTarget): Promise<GraphModel> {
  const [bundle, encoder] = [await openCheckpoint(files.bundle), await openTextEncoder(files.encoder)];
  const config = { encoder, transformer: configOf(bundle, 'transformer'), length: 1024 };
  return networkGraph(textContext, target, joinCheckpoints(encoder.checkpoint, bundle), config);
}

test('prompts of any length give contexts of the full length', async () => {
  const before = Session.openCount;
  {
    await using encoder = await PromptEncoder.open({ ...files, target, length: 128 });
    const empty = await encoder.encode('');
    expect(empty).toMatchObject({ tokens: 1, videoContext: { shape: [1, 128, 48] } });
    const long = await encoder.encode('a dog dances '.repeat(100));
    expect(long).toMatchObject({ tokens: 128, audioContext: { shape: [1, 128, 48] } });
    expect(long.videoContext.data).not.toEqual(long.audioContext.data);
    expect((await encoder.encode('')).videoContext).toEqual(empty.videoContext);
    expect([...long.videoContext.data, ...empty.audioContext.data].every(Number.isFinite)).toBe(true);
  }
  expect(Session.openCount).toBe(before);
});

test('a length that the registers do not fill is refused', async () => {
  await expect(PromptEncoder.open({ ...files, target, length: 100 })).rejects.toThrow('not a multiple of the 128');
});

test('the CUDA form has float32 edges and the lengths of the contexts', async () => {
  const { inputs, outputs } = await textContextGraph(graphTargets.cuda);
  expect(outputs).toMatchObject([
    { name: 'video', dtype: 'float32', shape: [1, 1024, 48] },
    { name: 'audio', dtype: 'float32', shape: [1, 1024, 48] },
  ]);
  expect(inputs.map(({ dtype }) => dtype)).toEqual(['int64', ...new Array(6).fill('float32')]);
});
