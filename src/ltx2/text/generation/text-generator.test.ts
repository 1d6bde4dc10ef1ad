import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { referenceGemma } from '../../../../test/text/reference-gemma.ts';
import { graphTargets } from '../../../graph/graph-target.ts';
import { Session } from '../../../graph/runtime/session.ts';
import { openTextEncoder } from '../gemma/gemma-folder.ts';
import { type GenerationOptions, TextGenerator } from './text-generator.ts';

const tiny = join(import.meta.dirname, '../../../../test/fixtures/parity/checkpoint/gemma');
const prompt = [2, 300, 41];
const sampled: GenerationOptions = { maxNewTokens: 24, temperature: 1.5, seed: 42, stopIds: [] };
let generator: TextGenerator;

beforeAll(async () => {
  generator = await TextGenerator.open(tiny, graphTargets.cpu);
});
afterAll(async () => {
  await generator[Symbol.asyncDispose]();
  expect(Session.openCount).toBe(0);
});

test('greedy text is the arg-max of plain loops, id by id', async () => {
  const { ids, finish } = await generator.generate(prompt, { ...sampled, temperature: 0, maxNewTokens: 12 });
  expect(finish).toBe('length');
  const { logits } = await referenceGemma(await openTextEncoder(tiny), [...prompt, ...ids]);
  const expected = ids.map((_, index) => {
    const row = logits[prompt.length - 1 + index] ?? [];
    return row.indexOf(Math.max(...row));
  });
  expect(ids).toEqual(expected);
});

test('the same seed gives the same text, another seed another', async () => {
  const first = await generator.generate(prompt, sampled);
  expect((await generator.generate(prompt, sampled)).ids).toEqual(first.ids);
  expect((await generator.generate(prompt, { ...sampled, seed: 43 })).ids).not.toEqual(first.ids);
});

test('a stop id ends the text and is not part of it', async () => {
  const { ids } = await generator.generate(prompt, sampled);
  const stop = ids[10] as number;
  const first = ids.indexOf(stop);
  const stopped = await generator.generate(prompt, { ...sampled, stopIds: [stop] });
  expect(stopped).toMatchObject({ ids: ids.slice(0, first), finish: 'stop' });
});

test('ids are reported as they come and an abort ends the text', async () => {
  const controller = new AbortController();
  const seen: number[] = [];
  const generating = generator.generate(prompt, {
    ...sampled,
    signal: controller.signal,
    onToken: (id) => {
      seen.push(id);
      if (seen.length === 3) controller.abort();
    },
  });
  await expect(generating).rejects.toMatchObject({ kind: 'cancelled' });
  expect(seen).toHaveLength(3);
});

test('an empty prompt is refused and no new tokens are no text', async () => {
  await expect(generator.generate([], sampled)).rejects.toMatchObject({ kind: 'input' });
  expect((await generator.generate(prompt, { ...sampled, maxNewTokens: 0 })).ids).toEqual([]);
});
