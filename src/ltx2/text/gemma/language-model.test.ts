import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seeingGemmaPath } from '../../../../test/support/seeing-encoder.ts';
import { writeRandomGemma } from '../../../../test/text/random-gemma.ts';
import { referenceGemma } from '../../../../test/text/reference-gemma.ts';
import { graphTargets } from '../../../graph/graph-target.ts';
import { networkGraph } from '../../../graph/network.ts';
import { floatTensor } from '../../../graph/runtime/host-tensor.ts';
import { Session } from '../../../graph/runtime/session.ts';
import { openTextEncoder } from './gemma-folder.ts';
import { LanguageModel } from './language-model.ts';
import { languageModel } from './language-model-network.ts';

const tiny = join(import.meta.dirname, '../../../../test/fixtures/parity/checkpoint/gemma');
const ids = [2, 105, 17, 99, 4, 150, 33, 33, 8, 61, 120, 7, 55, 42, 19, 180, 3, 88, 71, 12, 199, 64, 5];
let narrow: string;

beforeAll(async () => {
  narrow = await mkdtemp(join(tmpdir(), 'soundstage-gemma-'));
  await writeRandomGemma(narrow);
});
afterAll(() => rm(narrow, { recursive: true }));

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (value, at) => Math.abs(value - (b[at] as number))));
}

test('token by token equals all at once, and both equal plain loops', async () => {
  await using model = await LanguageModel.open(tiny, graphTargets.cpu);
  const { logits } = await referenceGemma(await openTextEncoder(tiny), ids);
  const decode = model.begin(ids.length);
  const steps: Float32Array[] = [];
  for (const id of ids) steps.push(await decode([id]));
  for (const [index, step] of steps.entries()) {
    const whole = await model.begin(ids.length)(ids.slice(0, index + 1));
    expect(largestDifference(step, whole)).toBeLessThan(1e-5);
    expect(largestDifference(step, logits[index] as number[])).toBeLessThan(1e-5);
  }
});

test.for([[1, 22], [23], [5, 1, 1, 10, 6], [8, 8, 7], [17, 1, 1, 1, 1, 1, 1]])(
  'a text longer than two sliding windows of 8, given in pieces of %j',
  async (pieces) => {
    await using model = await LanguageModel.open(narrow, graphTargets.cpu);
    const { logits } = await referenceGemma(await openTextEncoder(narrow), ids);
    const decode = model.begin(ids.length);
    let end = 0;
    for (const piece of pieces) {
      const step = await decode(ids.slice(end, end + piece));
      end += piece;
      expect(largestDifference(step, logits[end - 1] as number[])).toBeLessThan(1e-5);
    }
  },
);

test('the window is in effect: a window as long as the text gives other logits', async () => {
  const folder = await openTextEncoder(narrow);
  const { text_config } = folder.config;
  const wide = { ...folder, config: { ...folder.config, text_config: { ...text_config, sliding_window: 64 } } };
  const [a, b] = [await referenceGemma(folder, ids), await referenceGemma(wide, ids)];
  expect(largestDifference(a.logits.at(-1) ?? [], b.logits.at(-1) ?? [])).toBeGreaterThan(1e-2);
});

test.for([[23], [5, 1, 1, 10, 6], [8, 8, 7]])(
  'a model that can see reads text without pictures like one that cannot, in pieces of %j',
  async (pieces) => {
    await using blind = await LanguageModel.open(narrow, graphTargets.cpu);
    await using seeing = await LanguageModel.open(narrow, graphTargets.cpu, { sees: true });
    const [read, see] = [blind.begin(ids.length), seeing.begin(ids.length)];
    let end = 0;
    for (const piece of pieces) {
      const given = ids.slice(end, end + piece);
      end += piece;
      expect(largestDifference(await see(given), await read(given))).toBeLessThan(1e-5);
    }
  },
);

test('as many features as there are places for them are needed', async () => {
  await using model = await LanguageModel.open(seeingGemmaPath, graphTargets.cpu, { sees: true });
  const features = floatTensor(new Float32Array(2 * 48), [2, 48]);
  await expect(model.begin(4)([2, 7, 9], features)).rejects.toThrow('2 parts of pictures do not fill the 1 places');
  await using blind = await LanguageModel.open(seeingGemmaPath, graphTargets.cpu);
  await expect(blind.begin(4)([2, 7, 7], features)).rejects.toThrow('not opened to see');
});

test('two texts do not share a cache', async () => {
  await using model = await LanguageModel.open(tiny, graphTargets.cpu);
  const [first, second] = [model.begin(4), model.begin(4)];
  const expected = await first([2, 9]);
  await first([50, 51]);
  expect(await second([2, 9])).toEqual(expected);
});

test('the CUDA form is bf16 with float32 edges', async () => {
  const encoder = await openTextEncoder(tiny);
  const { inputs, outputs } = networkGraph(languageModel, graphTargets.cuda, encoder.checkpoint, encoder);
  expect(inputs.filter(({ name }) => name.startsWith('past.'))).toHaveLength(14);
  expect(new Set(outputs.map(({ dtype }) => dtype))).toEqual(new Set(['float32']));
  expect(outputs.find(({ name }) => name === 'logits')?.shape).toEqual([1, 640]);
});

test('a disposed model leaves no session', async () => {
  const before = Session.openCount;
  {
    await using _ = await LanguageModel.open(tiny, graphTargets.cpu);
    expect(Session.openCount).toBe(before + 1);
  }
  expect(Session.openCount).toBe(before);
});
