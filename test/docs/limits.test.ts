import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { marked, type Tokens } from 'marked';
import { expect, test } from 'vitest';
import { audioToVideoLora } from '../../src/contract/endpoints/audio-to-video-lora.ts';
import type { ServedSchema } from '../../src/contract/json-schema.ts';
import { pendingSeconds } from '../../src/files/file-store.ts';
import { maxPartNumber } from '../../src/files/uploads/part-uploads.ts';
import { maxRetries, usualRetries } from '../../src/jobs/request/retries.ts';
import { frameLimits, sideLimits } from '../../src/pipeline/plan/limits.ts';
import { maxLinkSeconds } from '../../src/server/storage/file-routes.ts';
import { type Configuration, configurationSchema } from '../../src/shared/configuration.ts';
import { root } from './documents.ts';

const text = await readFile(join(root, 'docs/security.md'), 'utf8');
const table = marked.lexer(text.slice(text.indexOf('## Limits'))).find((token) => token.type === 'table');
if (table === undefined) throw new Error('docs/security.md has no table of limits');
const rows = (table as Tokens.Table).rows.map((cells) => cells.map((cell) => cell.text));
const mostOf = new Map(rows.map(([what = '', most = '']) => [what, most]));
const maxBySetting = new Map(
  rows.flatMap(([, most = '', setting = '']): [string, string][] => {
    const [, name] = /^`(\w+)`$/.exec(setting) ?? [];
    return name === undefined ? [] : [[name, most]];
  }),
);

const units: Readonly<Record<string, number>> = {
  '': 1,
  s: 1,
  day: 86_400,
  days: 86_400,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

/** `64 MiB` in bytes, `30 days` in seconds; undefined: there is no limit. */
function quantity(most: string): number | undefined {
  if (most === 'for ever') return undefined;
  const [, digits = '', unit = ''] = /^(?:at least )?([\d,]+) ?(\w*)/.exec(most) ?? [];
  return Number(digits.replaceAll(',', '')) * (units[unit] ?? 1);
}

const settings = Object.keys(configurationSchema.shape) as (keyof Configuration)[];
const limiting = settings.filter((name) => /_MAX_|_MIN_|_BYTES$|_TIMEOUT$|_RETENTION$/.test(name));

test.each(limiting)('%s is in the table of limits, with its default', (name) => {
  expect(maxBySetting.has(name)).toBe(true);
  expect(quantity(maxBySetting.get(name) ?? '')).toBe(configurationSchema.shape[name].parse(undefined));
});

test('the table names no other setting', () => {
  expect([...maxBySetting.keys()].filter((name) => !settings.some((known) => known === name))).toEqual([]);
});

const {
  prompt,
  negative_prompt: negativePrompt,
  loras,
} = audioToVideoLora.servedInput.root.properties ?? ({} as Record<string, ServedSchema>);

test.each([
  ['prompt, and negative prompt', prompt?.maxLength],
  ['prompt, and negative prompt', negativePrompt?.maxLength],
  ['LoRAs of a clip', loras?.maxItems],
  ['frames of a clip', frameLimits.max],
  ['side of a clip', sideLimits.max],
  ['parts of an upload', maxPartNumber],
  ['upload that is begun and not finished', pendingSeconds],
  ['signed link to a file', maxLinkSeconds],
  ['crashes of the engine until a request is given up', usualRetries.crashes + 1],
  ['deaths of a process until a request is given up', maxRetries.interruptions + 1],
])('%s: the table says what the program does', (what, limit) => {
  expect(quantity(mostOf.get(what) ?? '')).toBe(limit);
});
