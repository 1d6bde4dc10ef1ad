import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const folders = [import.meta.dirname, join(import.meta.dirname, '../sdk')];

test('every line of the checklist has a test that is named by it, and every number is one of its lines', async () => {
  const checklist = await readFile(join(import.meta.dirname, '../../docs/conformance.md'), 'utf8');
  const lines = [...checklist.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number));
  expect(lines).toEqual(Array.from({ length: 166 }, (_, index) => index + 1));
  const tested = new Set((await titles()).flatMap(numbersOf));
  expect([...tested].sort((one, other) => one - other)).toEqual(lines);
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
