import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { audioToVideoLora } from '../endpoints/audio-to-video-lora.ts';
import type { JsonSchema } from '../json-schema.ts';
import { exampleOf } from './llms-examples.ts';
import { fieldBlocks } from './llms-fields.ts';
import { curlSnippet, javaScriptSnippet, pythonSnippet } from './llms-snippets.ts';
import { llmsTxt } from './llms-txt.ts';

const captured = readFileSync(new URL('../../../test/fixtures/endpoint/llms.txt', import.meta.url));

test('156 the page is the captured one, byte for byte', () => {
  const page = Buffer.from(llmsTxt(audioToVideoLora), 'utf8');
  expect(page.toString()).toBe(captured.toString());
  expect(page).toHaveLength(13_440);
  const digest = createHash('sha256').update(page).digest('hex');
  expect(digest).toBe('771d675cb64104d6cfeebc344a8e4e5ff452377fbc49278bcdf8ce7925a1c72b');
});

test('both examples of the page are valid requests', () => {
  const examples = [...captured.toString().matchAll(/```json\n(.*?)\n```/gs)].map(([, json = '']) => JSON.parse(json));
  expect(examples).toHaveLength(3);
  for (const example of examples.slice(0, 2)) expect(audioToVideoLora.validate(example)).toMatchObject({ ok: true });
  expect(exampleOf(audioToVideoLora.input, 'required')).toEqual(examples[0]);
});

function page(field: JsonSchema, required: readonly string[] = []): string {
  return fieldBlocks({ root: { type: 'object', properties: { field }, required }, named });
}

const named = {
  Free: { type: 'object', title: 'Free Form' },
  Item: { type: 'object', title: 'Item', properties: { size: { type: 'integer', default: 5 } } },
} as const satisfies Record<string, JsonSchema>;

test.each<[name: string, field: JsonSchema, block: string]>([
  ['neither description nor default', { type: 'string' }, '- **`field`** (`string`, _optional_)\n\n'],
  [
    'a default without a description',
    { type: 'integer', default: 5 },
    '- **`field`** (`integer`, _optional_):\n   Default value: `5`\n  - Default: `5`\n\n',
  ],
  [
    'a default that counts as false',
    { type: 'integer', default: 0 },
    '- **`field`** (`integer`, _optional_)\n  - Default: `0`\n\n',
  ],
  [
    'an empty text as default',
    { type: 'string', description: 'Text.', default: '' },
    '- **`field`** (`string`, _optional_):\n  Text. Default value: `""`\n  - Default: `""`\n\n',
  ],
  [
    'a description of several lines',
    { type: 'boolean', description: 'One.\nTwo.', default: true },
    '- **`field`** (`boolean`, _optional_):\n  One.\n  Two. Default value: `true`\n  - Default: `true`\n\n',
  ],
  [
    'a range within null',
    { anyOf: [{ type: 'number', minimum: 0, maximum: 1 }, { type: 'null' }], description: 'N.' },
    '- **`field`** (`float`, _optional_):\n  N.\n  - Range: `0` to `1`\n\n',
  ],
  ['one bound only', { type: 'number', minimum: 0 }, '- **`field`** (`float`, _optional_)\n\n'],
  [
    'a list of lists',
    { type: 'array', items: { type: 'array', items: { type: 'number' } }, examples: [[[1, 2]], []] },
    '- **`field`** (`list<list<float>>`, _optional_)\n  - Array of list<float>\n  - Examples: [[1,2]], []\n\n',
  ],
  [
    'a choice of types',
    { anyOf: [{ $ref: '#/components/schemas/Item' }, { type: 'string' }, { type: 'null' }] },
    '- **`field`** (`Item | string`, _optional_)\n  - One of: Item | string\n\n',
  ],
])('a field with %s', (_, field, block) => {
  expect(page(field)).toBe(block);
});

test('a required field says so', () => {
  expect(page({ type: 'string' }, ['field'])).toBe('- **`field`** (`string`, _required_)\n\n');
});

test.each<[name: string, field: JsonSchema, example: unknown]>([
  ['number', { type: 'number' }, undefined],
  ['boolean', { type: 'boolean' }, undefined],
  ['free object', { $ref: '#/components/schemas/Free' }, undefined],
  ['list of nothing to show', { type: 'array', items: { type: 'number' } }, undefined],
  ['list of texts', { type: 'array', items: { type: 'string' } }, ['']],
  ['object', { $ref: '#/components/schemas/Item' }, { size: 5 }],
  ['number with a default of 0', { type: 'number', default: 0 }, undefined],
  ['number with an example of 0', { type: 'number', examples: [0] }, 0],
])('the example of a required %s', (_, field, example) => {
  const root: JsonSchema = { type: 'object', properties: { field }, required: ['field'] };
  expect(exampleOf({ root, named }, 'required')).toEqual(example === undefined ? {} : { field: example });
});

test('an optional field without example and default is in no example', () => {
  const root: JsonSchema = { type: 'object', properties: { field: { type: 'string' } } };
  expect(exampleOf({ root, named }, 'all')).toEqual({});
});

test('snippets of nested values are in their language', () => {
  const request = { flag: true, none: null, 'odd-name': [1, { a: [] }], "it's": {} };
  expect(pythonSnippet('a/b', request)).toContain(`    arguments={
        "flag": True,
        "none": None,
        "odd-name": [1, {
            "a": []
        }],
        "it's": {}
    },`);
  expect(javaScriptSnippet('a/b', request)).toContain(`  input: {
    flag: true,
    none: null,
    "odd-name": [1, {
      a: []
    }],
    "it's": {}
  },`);
  expect(curlSnippet('https://fal.run/a/b', { a: 1 })).toMatch(/--data '\{\n {5}"a": 1\n {3}\}'$/);
});

const other = {
  id: 'fal-ai/other',
  displayName: 'Other',
  description: 'Does something else.',
  category: 'text-to-image',
  kind: 'inference',
  tags: ['fast', 'small'],
  input: { root: { type: 'object', properties: {} }, named: {} },
  output: { root: { type: 'object', properties: {} }, named: {} },
} as const;

test('tags follow the kind, and three empty lines follow them', () => {
  expect(llmsTxt({ ...other, price: { unitPrice: 0.01, unit: 'image' } })).toContain(
    '- **Kind**: inference\n**Tags**: fast, small\n\n\n\n## Pricing\n\n- **Price**: $0.01 per image\n\n',
  );
});

test('without a price there is no section on it', () => {
  expect(llmsTxt(other)).not.toContain('Pricing');
});
