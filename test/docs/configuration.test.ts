import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withSettings } from '../../scripts/configuration-reference.ts';
import { configurationSchema } from '../../src/shared/configuration.ts';
import { root } from './documents.ts';

const text = await readFile(join(root, 'docs/configuration.md'), 'utf8');

test('the table of settings is that of the schema', () => {
  // Where this fails: node scripts/write-configuration-reference.ts
  expect(text).toBe(withSettings(text));
});

test('every other variable in the reference is read by the program', async () => {
  const named = [...text.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, name = '']) => name);
  const others = named.filter((name) => !(name in configurationSchema.shape));
  expect(others.length).toBeGreaterThan(5);
  const sources = await sourceText();
  // The store's client reads its own.
  expect(others.filter((name) => !name.startsWith('AWS_') && !sources.includes(name))).toEqual([]);
});

async function sourceText(): Promise<string> {
  const entries = await readdir(join(root, 'src'), { recursive: true, withFileTypes: true });
  const files = entries.filter(({ name }) => name.endsWith('.ts') && !name.includes('.test'));
  return (await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'utf8')))).join('\n');
}
