import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, test } from 'vitest';
import { randomSafetensors } from '../models/hub.test-support.ts';
import { expectSafetensors, safetensorsProblem } from './safetensors-check.ts';

const folder = await mkdtemp(join(tmpdir(), 'soundstage-safetensors-'));
afterAll(() => rm(folder, { recursive: true }));

function withHeader(header: unknown, dataBytes: number, length?: number): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(length ?? text.length));
  return Buffer.concat([prefix, text, Buffer.alloc(dataBytes)]);
}

async function problemOf(content: Buffer | string): Promise<string | undefined> {
  const path = join(folder, 'file');
  await writeFile(path, content);
  return safetensorsProblem(path);
}

const tensor = (start: number, end: number) => ({ dtype: 'U8', shape: [end - start], data_offsets: [start, end] });

test('sound files pass', async () => {
  expect(await problemOf(randomSafetensors(1000))).toBeUndefined();
  const several = { __metadata__: { a: 'b' }, x: tensor(4, 10), y: tensor(0, 4), empty: tensor(4, 4) };
  expect(await problemOf(withHeader(several, 10))).toBeUndefined();
  expect(await problemOf(withHeader({}, 0))).toBeUndefined();
});

test.each([
  ['empty', '', /too short/],
  ['a web page', '\n<!DOCTYPE html><html></html>', /web page/],
  ['a zip archive', 'PK\u0003\u0004aaaaaaaaaaaaaaaaa', /pickle/],
  ['a pickle', Buffer.from([0x80, 2, 0x7d, 0x71, 0, 0x28, 0x58, 1, 0, 0]), /pickle/],
  ['a pointer', 'version https://git-lfs.github.com/spec/v1\n', /pointer/],
  ['compressed', gzipSync(randomSafetensors(100)), /not a safetensors/],
  ['JSON', '{"error": "not found"}', /not a safetensors/],
  ['a header beyond all limits', withHeader('{', 0, 2 ** 53), /not a safetensors/],
  ['a header beyond the end', withHeader('{}', 0, 1000), /ends inside its header/],
  ['no JSON', withHeader('{"a":', 0), /malformed/],
  ['no UTF-8', withHeader('{}', 0, 2).fill(0xff, 9), /malformed/],
  ['an array for a tensor', withHeader({ a: [] }, 0), /malformed/],
  ['numbers in the metadata', withHeader({ __metadata__: { a: 1 } }, 0), /malformed/],
  ['negative offsets', withHeader({ a: { ...tensor(0, 1), data_offsets: [-1, 1] } }, 1), /malformed/],
  ['fractions', withHeader({ a: { ...tensor(0, 1), data_offsets: [0, 0.5] } }, 1), /malformed/],
  ['a cut off file', withHeader({ a: tensor(0, 100) }, 99), /cut off: 1 bytes/],
  ['too long a file', withHeader({ a: tensor(0, 100) }, 101), /1 unexplained/],
  ['overlaps', withHeader({ a: tensor(0, 10), b: tensor(5, 15) }, 15), /overlap/],
  ['gaps', withHeader({ a: tensor(0, 10), b: tensor(11, 15) }, 15), /gaps/],
  [
    'a range backwards',
    withHeader({ a: { ...tensor(0, 0), data_offsets: [0, 0] }, b: { ...tensor(0, 0), data_offsets: [5, 0] } }, 0),
    /overlap/,
  ],
])('%s is refused', async (_title, content, expected) => {
  expect(await problemOf(content)).toMatch(expected);
});

test('a foreign file is refused with its first bytes, however they arrive', async () => {
  let pulled = 0;
  async function* page() {
    for (const letter of '<!DOCTYPE html><html>') {
      pulled++;
      yield Buffer.from(letter);
    }
  }
  const pieces = expectSafetensors(page(), (problem) => new Error(problem));
  await expect(Array.fromAsync(pieces)).rejects.toThrow(/web page/);
  expect(pulled).toBe(9);
});
