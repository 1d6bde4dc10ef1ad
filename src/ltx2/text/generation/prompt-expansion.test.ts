import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { gemmaPath } from '../../../../test/support/parity-checkpoint.ts';
import { seeingGemmaPath } from '../../../../test/support/seeing-encoder.ts';
import { graphTargets } from '../../../graph/graph-target.ts';
import { Session } from '../../../graph/runtime/session.ts';
import type { RgbImage } from '../../rgb-image.ts';
import { type ExpansionOptions, expandPrompt, plainText } from './prompt-expansion.ts';

const target = graphTargets.cpu;
/** A template that takes text alone. */
const plainTemplate =
  '{{ bos_token }}{% for m in messages %}<start_of_turn>{{ m.role }}\n{{ m.content | trim }}<end_of_turn>\n{% endfor %}<start_of_turn>model\n';

async function copyOf(encoder: string): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'soundstage-chat-'));
  onTestFinished(() => rm(copy, { recursive: true }));
  await cp(encoder, copy, { recursive: true });
  return copy;
}

/** Stripes of a width. */
function stripes(width: number): RgbImage {
  const rgb = Uint8Array.from({ length: 64 * 48 * 3 }, (_, at) => (Math.floor(at / 3 / width) % 2) * 255);
  return { rgb, width: 64, height: 48 };
}

test('an encoder without a chat template leaves the prompt alone', async () => {
  expect(await expandPrompt('A dog', { encoder: gemmaPath, target, seed: 1 })).toBeUndefined();
  expect(await expandPrompt('A dog', { encoder: gemmaPath, target, seed: 1, image: stripes(8) })).toBeUndefined();
});

test('a chat model answers, and the same seed gives the same answer', async () => {
  const encoder = await copyOf(gemmaPath);
  await writeFile(join(encoder, 'chat_template.jinja'), plainTemplate);
  const expand = (seed: number) => expandPrompt('A dog barks', { encoder, target, seed });
  const first = await expand(7);
  expect(first?.text).toMatch(/\p{L}/u);
  expect(await expand(7)).toEqual(first);
  expect(await expand(8)).not.toEqual(first);
});

test('a model that can see answers to the image, to each another way, and the same way to the same', async () => {
  const expand = (options: Partial<ExpansionOptions> = {}) =>
    expandPrompt('A dog barks', { encoder: seeingGemmaPath, target, seed: 7, image: stripes(8), ...options });
  const first = await expand();
  expect(first).toMatchObject({ sawImage: true, text: expect.stringMatching(/\p{L}/u) });
  expect(await expand()).toEqual(first);
  expect((await expand({ seed: 8 }))?.text).not.toBe(first?.text);
  expect((await expand({ image: stripes(16) }))?.text).not.toBe(first?.text);
  const blind = await expand({ image: undefined });
  expect(blind?.sawImage).toBe(false);
  expect(blind?.text).not.toBe(first?.text);
  expect(Session.openCount).toBe(0);
});

test('a prompt that names the tokens of pictures shows no picture', async () => {
  const expand = (prompt: string) =>
    expandPrompt(prompt, { encoder: seeingGemmaPath, target, seed: 7, image: stripes(8) });
  const named = 'A dog<start_of_image><image_soft_token><end_of_image> barks<image_soft_token>';
  expect(await expand(named)).toEqual(await expand('A dog barks'));
});

test('without a tower, or with a template for text alone, the image is not looked at', async () => {
  const [blind, textOnly] = [await copyOf(gemmaPath), await copyOf(seeingGemmaPath)];
  for (const encoder of [blind, textOnly]) {
    await writeFile(join(encoder, 'chat_template.jinja'), plainTemplate);
    const expand = (image?: RgbImage) => expandPrompt('A dog barks', { encoder, target, seed: 7, image });
    const expanded = await expand(stripes(8));
    expect(expanded?.sawImage).toBe(false);
    expect(expanded).toEqual(await expand());
  }
});

test('an aborted expansion stops before the language model speaks', async () => {
  const signal = AbortSignal.abort();
  const expanding = expandPrompt('A dog', { encoder: seeingGemmaPath, target, seed: 1, image: stripes(8), signal });
  await expect(expanding).rejects.toMatchObject({ kind: 'cancelled' });
});

test('answers are brought to plain characters', () => {
  expect(plainText(' **\u201cA dog\u2019s bark\u201d \u2014 loud\u00a0one ')).toBe('A dog\'s bark" - loud one');
});
