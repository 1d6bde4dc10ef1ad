import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const folders = [import.meta.dirname, join(import.meta.dirname, '../sdk')];
const lines = 166;

test('every line of the checklist has a test that is named by it', async () => {
  const numbers = new Set((await titles()).flatMap(numbersOf));
  const missing = Array.from({ length: lines }, (_, index) => index + 1).filter((line) => !numbers.has(line));
  expect(missing).toEqual([]);
  expect([...numbers].filter((number) => number < 1 || number > lines)).toEqual([]);
});

/** First arguments of tests, on the line of the call or on the next one. */
async function titles(): Promise<readonly string[]> {
  const texts = await Promise.all(folders.map(readTests));
  return texts
    .flat()
    .flatMap((text) =>
      [...text.matchAll(/^\s*(?:test\b(?!\.(?:skip|todo)\().*\()?'([^'\n]*)',/gm)].map(([, title = '']) => title),
    );
}

async function readTests(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.test.ts'));
  return await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
}

function numbersOf(title: string): readonly number[] {
  const [numbers = ''] = /^\d+(?:, \d+)*(?= )/.exec(title) ?? [];
  return numbers === '' ? [] : numbers.split(', ').map(Number);
}
