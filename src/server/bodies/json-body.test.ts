import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readJson } from './json-body.ts';

const limits = { bytes: 1000, idle: 5000 };

function post(body: RequestInit['body'], headers: Record<string, string> = {}): Request {
  return new Request('http://localhost/', { method: 'POST', body, headers, duplex: 'half' } as RequestInit);
}

function endless(chunk: Uint8Array, onCancel: () => void = () => {}): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.enqueue(chunk), cancel: onCancel });
}

test('JSON of any kind is read', async () => {
  expect(await readJson(post('{"a":"é"}'), limits)).toEqual({ a: 'é' });
  expect(await readJson(post('[1]'), limits)).toEqual([1]);
  expect(await readJson(post(`\ufeff{"a":1}`), limits)).toEqual({ a: 1 });
});

test.each([
  ['gzip', gzipSync],
  ['GZIP', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
])('%s is decoded', async (encoding, compress) => {
  expect(await readJson(post(compress('{"a":1}'), { 'content-encoding': encoding }), limits)).toEqual({ a: 1 });
});

test.each(['', '   ', '{', '{"a":NaN}', 'nonsense', "{'a':1}", '\u0000'])('%j is a clean 422', async (text) => {
  await expect(readJson(post(text), limits)).rejects.toMatchObject({
    status: 422,
    body: { detail: [{ type: 'json_invalid', loc: ['body', expect.any(Number)] }] },
  });
});

test('no body at all is a clean 422', async () => {
  await expect(readJson(post(null), limits)).rejects.toMatchObject({ status: 422 });
});

test('invalid UTF-8 is refused', async () => {
  await expect(readJson(post(new Uint8Array([0x22, 0xff, 0x22])), limits)).rejects.toMatchObject({ status: 422 });
});

test('a declared length over the limit is refused unread', async () => {
  const body = new ReadableStream(
    {
      pull: () => {
        throw new Error('was read');
      },
    },
    { highWaterMark: 0 },
  );
  await expect(readJson(post(body, { 'content-length': '1001' }), limits)).rejects.toMatchObject({ status: 413 });
});

test('an endless body is given up at the limit', async () => {
  let cancelled = false;
  const body = endless(new Uint8Array(100).fill(32), () => {
    cancelled = true;
  });
  await expect(readJson(post(body), limits)).rejects.toMatchObject({ status: 413 });
  expect(cancelled).toBe(true);
});

test('a bomb is given up at the limit of its output', async () => {
  const bomb = gzipSync(Buffer.alloc(200 * 2 ** 20, 32));
  const started = performance.now();
  await expect(readJson(post(bomb, { 'content-encoding': 'gzip' }), limits)).rejects.toMatchObject({ status: 413 });
  expect(performance.now() - started).toBeLessThan(1000);
});

test.each(['gzip', 'br'])('a body that is not the %s it claims to be is refused', async (encoding) => {
  await expect(readJson(post('{"a":1}', { 'content-encoding': encoding }), limits)).rejects.toMatchObject({
    status: 400,
  });
  const cut = gzipSync('{"a":1}').subarray(0, 12);
  await expect(readJson(post(cut, { 'content-encoding': 'gzip' }), limits)).rejects.toMatchObject({ status: 400 });
});

test('an unknown encoding is refused', async () => {
  await expect(readJson(post('{}', { 'content-encoding': 'zstd2' }), limits)).rejects.toMatchObject({ status: 415 });
  await expect(readJson(post('{}', { 'content-encoding': 'constructor' }), limits)).rejects.toMatchObject({
    status: 415,
  });
});

test('a body that stalls is given up', async () => {
  const body = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array([123])) });
  await expect(readJson(post(body), { ...limits, idle: 50 })).rejects.toMatchObject({ status: 400 });
});
