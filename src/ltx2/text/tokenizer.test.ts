import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Tokenizer } from './tokenizer.ts';

const tiny = join(import.meta.dirname, '../../../test/fixtures/parity/checkpoint/gemma');
// The shape of Gemma's own template: system text in front of the first user turn, "model" for the assistant.
const template = `{{ bos_token }}{% for message in messages %}{{ '<start_of_turn>' + message['role'] + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}`;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-tokenizer-'));
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) await copyFile(join(tiny, file), join(folder, file));
});
afterEach(() => rm(folder, { recursive: true }));

test('a prompt is padded on the left, cut on the right and stripped as Python does', async () => {
  const tokenizer = await Tokenizer.open(tiny);
  const { ids, padded, mask } = tokenizer.encodePrompt('hello', 8);
  expect([...padded]).toEqual([...new Array(8 - ids.length).fill(0), ...ids]);
  expect([...mask]).toEqual([...new Array(8 - ids.length).fill(0), ...ids.map(() => 1)]);
  expect(ids[0]).toBe(2);
  expect(tokenizer.encodePrompt('hello', 2).ids).toEqual(ids.slice(0, 2));
  expect(tokenizer.encodePrompt('\u001c\u0085 hello\u2003\n', 8).ids).toEqual(ids);
  expect(tokenizer.encodePrompt('\ufeffhello', 20).ids).not.toEqual(ids);
  expect(tokenizer.encodePrompt(' \n ', 8).ids).toEqual([2]);
});

test('decoding gives the text back without special tokens', async () => {
  const tokenizer = await Tokenizer.open(tiny);
  const text = 'Émile says “naïve café” — 日本語 🎵';
  expect(tokenizer.decode([...tokenizer.encodePrompt(text, 200).ids, 106, 1])).toBe(text);
});

test('without a chat template there is no chat', async () => {
  const tokenizer = await Tokenizer.open(folder);
  expect(tokenizer.encodeChat([{ role: 'user', content: 'hello' }])).toBeUndefined();
});

test.for(['chat_template.jinja', 'chat_template.json', 'tokenizer_config.json'])(
  'the chat template is found in %s',
  async (file) => {
    const path = join(folder, file);
    if (file === 'chat_template.jinja') await writeFile(path, template);
    if (file === 'chat_template.json') await writeFile(path, JSON.stringify({ chat_template: template }));
    if (file === 'tokenizer_config.json') {
      const settings: unknown = JSON.parse(await readFile(path, 'utf8'));
      const named = [{ name: 'default', template }];
      await writeFile(path, JSON.stringify(Object.assign({}, settings, { chat_template: named })));
    }
    const tokenizer = await Tokenizer.open(folder);
    const ids = tokenizer.encodeChat([{ role: 'user', content: 'hello' }]) ?? [];
    // One beginning-of-sequence token only, turns by their special tokens, open for the model.
    expect(ids.filter((id) => id === 2)).toHaveLength(1);
    expect(ids.filter((id) => id === 105)).toHaveLength(2);
    expect(ids.filter((id) => id === 106)).toHaveLength(1);
    expect(tokenizer.decode(ids)).toBe('user\nhello\nmodel\n');
  },
);

test('broken files are named', async () => {
  await writeFile(join(folder, 'chat_template.jinja'), '{% for %}');
  await expect(Tokenizer.open(folder)).rejects.toThrow('chat template');
  await writeFile(join(folder, 'tokenizer.json'), '{}');
  await expect(Tokenizer.open(folder)).rejects.toThrow('holds no usable tokenizer');
  await rm(join(folder, 'tokenizer.json'));
  await expect(Tokenizer.open(folder)).rejects.toThrow('tokenizer.json does not exist');
});

test('a token that is null in tokenizer_config.json does not take the others from the chat template', async () => {
  const path = join(folder, 'tokenizer_config.json');
  const settings: unknown = JSON.parse(await readFile(path, 'utf8'));
  await writeFile(path, JSON.stringify(Object.assign({}, settings, { eos_token: null, chat_template: template })));
  const ids = (await Tokenizer.open(folder)).encodeChat([{ role: 'user', content: 'hello' }]);
  expect(ids?.[0]).toBe(2);
});
