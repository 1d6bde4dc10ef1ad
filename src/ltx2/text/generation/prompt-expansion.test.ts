import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { graphTargets } from '../../../graph/graph-target.ts';
import { expandPrompt, plainText } from './prompt-expansion.ts';

const gemma = join(import.meta.dirname, '../../../../test/fixtures/parity/checkpoint/gemma');

test('an encoder without a chat template leaves the prompt alone', async () => {
  expect(await expandPrompt('A dog', { encoder: gemma, target: graphTargets.cpu, seed: 1 })).toBeUndefined();
});

test('a chat model answers, and the same seed gives the same answer', async () => {
  const encoder = await mkdtemp(join(tmpdir(), 'soundstage-chat-'));
  onTestFinished(() => rm(encoder, { recursive: true }));
  await cp(gemma, encoder, { recursive: true });
  await writeFile(
    join(encoder, 'chat_template.jinja'),
    '{{ bos_token }}{% for m in messages %}<start_of_turn>{{ m.role }}\n{{ m.content }}<end_of_turn>\n{% endfor %}<start_of_turn>model\n',
  );
  const expand = (seed: number) => expandPrompt('A dog barks', { encoder, target: graphTargets.cpu, seed });
  const first = await expand(7);
  expect(first).toMatch(/\p{L}/u);
  expect(await expand(7)).toBe(first);
  expect(await expand(8)).not.toBe(first);
});

test('answers are brought to plain characters', () => {
  expect(plainText(' **\u201cA dog\u2019s bark\u201d \u2014 loud\u00a0one ')).toBe('A dog\'s bark" - loud one');
});
