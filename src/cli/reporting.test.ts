import { once } from 'node:events';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { reporting } from './reporting.ts';

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
  expect([text, process.exitCode]).toEqual([expect.stringMatching(message), 1]);
});

test('a defect keeps its stack', async () => {
  const defect = new TypeError('undefined is not a function');
  await expect(reporting({ write: () => {} }, () => Promise.reject(defect))).rejects.toBe(defect);
});
