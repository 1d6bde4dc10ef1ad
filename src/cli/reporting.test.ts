import { once } from 'node:events';
import { mkdir, mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { SoundstageError } from '../shared/errors.ts';
import { exitCodes, reporting } from './reporting.ts';

afterEach(() => {
  process.exitCode = undefined;
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s lets a command end by itself', async (name) => {
  let ended = false;
  await reporting({ write: () => {} }, async (signal) => {
    process.kill(process.pid, name);
    await once(signal, 'abort');
    ended = true;
  });
  expect(ended).toBe(true);
});

test.each([
  [
    'a temporary folder that is not there',
    () => mkdtemp('/nowhere/x-'),
    /^\/nowhere\/x-.* cannot be used: it does not exist\n$/,
  ],
  ['a folder below a file', () => mkdir(join(import.meta.filename, 'x')), /a part of its path is a file\n$/],
])('trouble with paths is said in one line: %s', async (_what, work, message) => {
  let text = '';
  const stderr = { write: (piece: string) => (text += piece) };
  await reporting(stderr, async () => void (await work()));
  expect([text, process.exitCode]).toEqual([expect.stringMatching(message), 4]);
});

test.each(Object.entries(exitCodes))(
  'an error of kind %s has an exit code of its own, and is JSON where programs read it',
  async (name, code) => {
    let text = '';
    const stderr = { write: (piece: string) => (text += piece) };
    const kind = name as keyof typeof exitCodes;
    const fail = () => Promise.reject(new SoundstageError(kind, 'it went wrong', { field: 'fps' }));
    await reporting(stderr, fail, { json: true });
    expect([JSON.parse(text), process.exitCode]).toEqual([
      { error: { kind, message: 'it went wrong', field: 'fps' } },
      code,
    ]);
    expect(Object.values(exitCodes).filter((each) => each === code)).toHaveLength(1);
  },
);

test('the documentation has every exit code', async () => {
  const text = await readFile(join(import.meta.dirname, '../../docs/command-line.md'), 'utf8');
  const rows = [...text.matchAll(/^\| (\d+) \| `(\w+)` \|/gm)].map(([, code, kind]) => [kind, Number(code)]);
  expect(Object.fromEntries(rows)).toEqual(exitCodes);
});

test('a defect keeps its stack', async () => {
  const defect = new TypeError('undefined is not a function');
  await expect(reporting({ write: () => {} }, () => Promise.reject(defect))).rejects.toBe(defect);
});
