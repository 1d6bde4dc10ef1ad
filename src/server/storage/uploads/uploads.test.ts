import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { startDatabases } from '../../../../test/support/databases/databases.ts';
import { startS3 } from '../../../../test/support/s3.ts';
import { S3BlobStore } from '../../../files/blobs/s3-blob-store.ts';
import { type StorageServer, type StorageServerOptions, startStorageServer } from '../storage-server.test-support.ts';

const databases = await startDatabases();
const s3 = await startS3();
afterAll(async () => {
  await databases[Symbol.asyncDispose]();
  await s3?.[Symbol.asyncDispose]();
});

const MiB = 2 ** 20;

type Body = NonNullable<RequestInit['body']>;

interface Upload {
  readonly upload_url: string;
  readonly file_url: string;
}

async function initiate(server: StorageServer, authorization: string, step = 'initiate'): Promise<Upload> {
  const reply = await fetch(`${server.url}/rest/storage/upload/${step}?storage_type=fal-cdn-v3`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ content_type: 'audio/mpeg', file_name: '1772600000000.mpeg' }),
  });
  expect(reply.status).toBe(200);
  return (await reply.json()) as Upload;
}

async function cdnToken(server: StorageServer, authorization: string) {
  const url = `${server.url}/rest/storage/auth/token?storage_type=fal-cdn-v3`;
  const reply = await fetch(url, { method: 'POST', headers: { authorization }, body: '{}' });
  return (await reply.json()) as { token: string; token_type: string; base_url: string; expires_at: string };
}

/** As the client makes the addresses of parts. */
function below(url: string, segment: string): string {
  const { origin, pathname, search } = new URL(url);
  return `${origin}${pathname}/${segment}${search}`;
}

async function put(url: string, body: Body, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { method: 'PUT', body, headers });
}

async function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { method: 'POST', body: JSON.stringify(body), headers });
}

const stores: [string, StorageServerOptions | undefined][] = [
  ['a folder', {}],
  [
    'S3',
    s3 && {
      openBlobs: async (folder) =>
        new S3BlobStore({
          endpoint: s3.endpoint,
          bucket: await s3.newBucket(),
          region: 'us-east-1',
          spool: join(folder, 'spool'),
        }),
    },
  ],
];

describe.each(stores)('uploads to %s', (_, options) => {
  test.skipIf(options === undefined)('as the JavaScript client sends a file', async () => {
    await using server = await startStorageServer(databases, options);
    const { authorization } = await server.newKey();
    const { upload_url, file_url } = await initiate(server, authorization);
    expect(file_url).toMatch(
      /^http:\/\/127\.0\.0\.1:\d+\/cdn\/files\/b\/([0-9a-f]{2})\/\1[0-9a-f]{30}_1772600000000\.mpeg$/,
    );
    expect((await fetch(file_url)).status).toBe(404);
    const bytes = randomBytes(3 * MiB + 1);
    expect((await put(upload_url, bytes, { 'content-type': 'audio/mpeg' })).status).toBe(200);
    const reply = await fetch(file_url);
    expect(reply.headers.get('content-type')).toBe('audio/mpeg');
    expect(reply.headers.get('content-length')).toBe(String(bytes.length));
    expect(Buffer.from(await reply.arrayBuffer()).equals(bytes)).toBe(true);
    const part = await fetch(file_url, { headers: { range: 'bytes=1000000-1000099' } });
    expect(part.status).toBe(206);
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(1_000_000, 1_000_100))).toBe(true);
  });

  test.skipIf(options === undefined)('as the JavaScript client sends a large file', async () => {
    await using server = await startStorageServer(databases, options);
    const { authorization } = await server.newKey();
    const { upload_url, file_url } = await initiate(server, authorization, 'initiate-multipart');
    const chunks = [randomBytes(5 * MiB), randomBytes(5 * MiB), randomBytes(17)];
    const parts: unknown[] = [];
    await put(below(upload_url, '1'), randomBytes(5 * MiB));
    for (const [index, chunk] of chunks.entries()) {
      const reply = await put(below(upload_url, String(index + 1)), chunk);
      expect(reply.headers.get('content-type')).toContain('application/json');
      const part = (await reply.json()) as { partNumber: number; etag: string };
      expect(part).toEqual({ partNumber: index + 1, etag: reply.headers.get('etag') });
      parts.push(part);
    }
    const completed = await post(below(upload_url, 'complete'), { parts });
    expect(completed.status).toBe(200);
    const read = Buffer.from(await (await fetch(file_url)).arrayBuffer());
    expect(read.equals(Buffer.concat(chunks))).toBe(true);
    expect((await post(below(upload_url, 'complete'), { parts })).status).toBe(200);
  });

  test.skipIf(options === undefined)('as the Python client sends a large file', async () => {
    await using server = await startStorageServer(databases, options);
    const { authorization } = await server.newKey();
    const { token, token_type, base_url, expires_at } = await cdnToken(server, authorization);
    expect(expires_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/);
    const headers = { authorization: `${token_type} ${token}`, 'content-type': 'audio/wav' };
    const begun = await fetch(`${base_url}/files/upload/multipart`, {
      method: 'POST',
      headers: { ...headers, 'x-fal-file-name': 'speech.wav' },
    });
    const { access_url, uploadId } = (await begun.json()) as { access_url: string; uploadId: string };
    const chunks = [randomBytes(5 * MiB), randomBytes(5 * MiB), randomBytes(5)];
    const send = async (index: number) => {
      const reply = await put(`${access_url}/multipart/${uploadId}/${index + 1}`, chunks[index] ?? '', headers);
      return { partNumber: index + 1, etag: reply.headers.get('etag') };
    };
    const parts = [await send(2), ...(await Promise.all([0, 1].map(send)))];
    const completed = await post(`${access_url}/multipart/${uploadId}/complete`, { parts }, headers);
    expect(completed.status).toBe(200);
    const read = await fetch(access_url);
    expect(read.headers.get('content-type')).toBe('audio/wav');
    expect(Buffer.from(await read.arrayBuffer()).equals(Buffer.concat(chunks))).toBe(true);
  });
});

test('as the Python client sends a file', async () => {
  await using server = await startStorageServer(databases);
  const { authorization } = await server.newKey();
  const { token, base_url } = await cdnToken(server, authorization);
  const url = `${base_url}/files/upload`;
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'text/plain', 'x-fal-file-name': 'a.txt' };
  const reply = await fetch(url, { method: 'POST', headers, body: 'hello' });
  const { access_url } = (await reply.json()) as { access_url: string };
  expect(await (await fetch(access_url)).text()).toBe('hello');
  const direct = await fetch(url, { method: 'POST', headers: { authorization }, body: 'hello' });
  expect(direct.status).toBe(200);
  for (const wrong of ['', 'Bearer x', `Bearer ${token}x`, 'Key a:b', 'Key undefined']) {
    const refused = await fetch(url, { method: 'POST', headers: { authorization: wrong }, body: 'hello' });
    expect(refused.status).toBe(401);
    expect(refused.headers.get('content-type')).toBe('application/json');
  }
});

test('an upload without a name gets one by its type; strange names are harmless', async () => {
  await using server = await startStorageServer(databases);
  const { authorization } = await server.newKey();
  const upload = async (name: string | undefined, type: string) => {
    const headers = { authorization, 'content-type': type, ...(name === undefined ? {} : { 'x-fal-file-name': name }) };
    const reply = await fetch(`${server.url}/cdn/files/upload`, { method: 'POST', headers, body: 'x' });
    const { access_url } = (await reply.json()) as { access_url: string };
    const read = await fetch(access_url);
    expect(await read.text()).toBe('x');
    return [access_url.slice(access_url.lastIndexOf('/') + 34), read.headers.get('content-disposition')];
  };
  expect(await upload(undefined, 'image/png')).toEqual(['file.png', 'inline; filename="file.png"']);
  expect(await upload('../../../etc/passwd', 'text/plain')).toEqual([
    '_.._.._etc_passwd',
    'inline; filename="_.._.._etc_passwd"',
  ]);
  const utf8 = Buffer.from('ünïcode 日.txt').toString('latin1');
  expect(await upload(utf8, 'text/plain')).toEqual([
    'unicode_.txt',
    `inline; filename="unicode _.txt"; filename*=UTF-8''%C3%BCn%C3%AFcode%20%E6%97%A5.txt`,
  ]);
  expect(await upload(`${'x'.repeat(4000)}.wav`, 'audio/wav')).toEqual([
    `${'x'.repeat(116)}.wav`,
    `inline; filename="${'x'.repeat(116)}.wav"`,
  ]);
});

test('the address of an upload needs its token, and only fills its own file', async () => {
  await using server = await startStorageServer(databases);
  const { authorization } = await server.newKey();
  const { upload_url } = await initiate(server, authorization);
  const other = await initiate(server, authorization);
  const bare = new URL(upload_url);
  bare.search = '';
  expect((await put(bare.href, 'x')).status).toBe(401);
  expect((await put(`${bare.href}?token=x`, 'x')).status).toBe(403);
  expect((await put(`${bare.href}${new URL(other.upload_url).search}`, 'x')).status).toBe(404);
  const { token } = await cdnToken(server, authorization);
  expect((await put(`${bare.href}?token=${token}`, 'x')).status).toBe(403);
  expect((await put(below(upload_url, '1'), 'x')).status).toBe(404);
  // One of the clients' ways sends its key along.
  expect((await put(upload_url, 'x', { authorization })).status).toBe(200);
  expect((await put(upload_url, 'x')).status).toBe(200);
  expect((await put(upload_url, 'y')).status).toBe(404);
  expect((await fetch(other.file_url)).status).toBe(404);
});

test('parts belong to their owner; an empty one is refused', async () => {
  await using server = await startStorageServer(databases);
  const [ann, bob] = [await server.newKey(), await server.newKey()];
  const headers = { authorization: ann.authorization };
  const begun = await fetch(`${server.url}/cdn/files/upload/multipart`, { method: 'POST', headers });
  const { access_url, uploadId } = (await begun.json()) as { access_url: string; uploadId: string };
  const base = `${access_url}/multipart/${uploadId}`;
  expect((await put(`${base}/1`, 'x')).status).toBe(401);
  expect((await put(`${base}/1`, 'x', { authorization: bob.authorization })).status).toBe(404);
  expect((await put(`${access_url}/multipart/other/1`, 'x', headers)).status).toBe(404);
  expect((await put(`${base}/0`, 'x', headers)).status).toBe(400);
  expect((await put(`${base}/10001`, 'x', headers)).status).toBe(400);
  const etags = [];
  for (const [index, body] of ['x', ''].entries()) {
    etags.push((await put(`${base}/${index + 1}`, body, headers)).headers.get('etag'));
  }
  const parts = etags.map((etag, index) => ({ partNumber: index + 1, etag }));
  const refused = await post(`${base}/complete`, { parts }, headers);
  expect(refused.status).toBe(400);
  expect(await refused.json()).toEqual({ detail: 'part 2 is empty: send it again' });
  for (const body of [{}, { parts: [] }, { parts: [{ partNumber: '1', etag: 'x' }] }, []]) {
    const { status } = await post(`${base}/complete`, body, headers);
    expect([400, 422]).toContain(status);
  }
  expect((await post(`${base}/complete`, { parts: parts.slice(0, 1) }, headers)).status).toBe(200);
});

test('an upload can be completed on the REST host, by its owner', async () => {
  await using server = await startStorageServer(databases);
  const [ann, bob] = [await server.newKey(), await server.newKey()];
  const { upload_url, file_url } = await initiate(server, ann.authorization, 'initiate-multipart');
  const { etag } = (await (await put(below(upload_url, '1'), 'x')).json()) as { etag: string };
  const parts = [{ partNumber: 1, etag }];
  const url = `${server.url}/rest/storage/upload/complete-multipart?storage_type=fal-cdn-v3`;
  for (const body of [{ file_url, parts }, { upload_url, parts }, { parts }, { file_url: 'x', parts }]) {
    expect((await post(url, body, { authorization: bob.authorization })).status).toBe(404);
  }
  expect((await post(url, { upload_url, parts }, { authorization: ann.authorization })).status).toBe(200);
  expect(await (await fetch(file_url)).text()).toBe('x');
});

test('bodies that cannot be stored are refused in JSON and leave nothing', async () => {
  await using server = await startStorageServer(databases, { limit: 1000 });
  const { authorization } = await server.newKey();
  const url = `${server.url}/cdn/files/upload`;
  const send = async (body: Body, headers: Record<string, string> = {}) => {
    const init = { method: 'POST', headers: { authorization, ...headers }, body, duplex: 'half' } as RequestInit;
    const reply = await fetch(url, init);
    const { detail } = (await reply.json()) as { detail?: string };
    return [reply.status, detail];
  };
  expect(await send(Buffer.alloc(1001))).toEqual([413, expect.stringContaining('larger than 1000 bytes')]);
  const chunked = new Blob([Buffer.alloc(600), Buffer.alloc(600)]).stream();
  expect(await send(chunked)).toEqual([413, expect.stringContaining('larger than 1000 bytes')]);
  const zipped = gzipSync(Buffer.alloc(500));
  expect(await send(zipped, { 'content-encoding': 'gzip' })).toEqual([
    415,
    expect.stringContaining('Content-Encoding'),
  ]);
  const form = new FormData();
  form.set('file', new Blob(['x']));
  expect(await send(form)).toEqual([415, expect.stringContaining('not a form')]);
  expect(await send('x', { 'x-fal-object-lifecycle': '{"expiration_duration_seconds":"1h"}' })).toEqual([
    400,
    expect.stringContaining('expiration_duration_seconds'),
  ]);
  expect(await server.traces()).toEqual({ rows: 0, names: [] });
  expect((await send(Buffer.alloc(1000)))[0]).toBe(200);
  expect(server.failures).toEqual([]);
});

test('descriptions that are not JSON, or of the wrong type, are refused', async () => {
  await using server = await startStorageServer(databases);
  const { authorization } = await server.newKey();
  const url = `${server.url}/rest/storage/upload/initiate`;
  for (const body of ['', '{', '[]', 'null', '{"file_name":1}', '{"content_type":["x"]}']) {
    const { status } = await fetch(url, { method: 'POST', headers: { authorization }, body });
    expect(status).toBe(422);
  }
  const missing = await fetch(url, { method: 'POST', body: '{}' });
  expect([missing.status, await missing.json()]).toEqual([401, { detail: 'Authorization header is required' }]);
  expect((await fetch(url, { method: 'POST', headers: { authorization }, body: '{}' })).status).toBe(200);
  expect((await fetch(url, { headers: { authorization } })).status).toBe(405);
});

describe('on the wire', () => {
  const head = (authorization: string, ...lines: string[]) =>
    ['POST /cdn/files/upload HTTP/1.1', 'host: localhost', `authorization: ${authorization}`, ...lines, '', ''].join(
      '\r\n',
    );

  async function settledTraces(server: StorageServer): Promise<{ rows: number; names: readonly string[] }> {
    for (let round = 0; round < 50; round++) {
      const { rows, names } = await server.traces();
      if (rows === 0 && names.length === 0) return { rows, names };
      await sleep(50);
    }
    return server.traces();
  }

  async function untilArriving(server: StorageServer): Promise<void> {
    while ((await server.traces()).names.length === 0) await sleep(20);
  }

  test('a body that ends before its announced length leaves nothing', async () => {
    await using server = await startStorageServer(databases);
    const { authorization } = await server.newKey();
    const socket = await server.connect();
    socket.write(`${head(authorization, 'content-length: 100')}only this`);
    await untilArriving(server);
    socket.end();
    await once(socket.resume(), 'close');
    expect(await settledTraces(server)).toEqual({ rows: 0, names: [] });
  });

  test('an upload that is broken off leaves nothing, also in chunks', async () => {
    await using server = await startStorageServer(databases);
    const { authorization } = await server.newKey();
    for (const [line, body] of [
      ['content-length: 10000000', 'x'.repeat(100_000)],
      ['transfer-encoding: chunked', '5\r\nhello\r\n'],
    ]) {
      const socket = await server.connect();
      socket.write(`${head(authorization, line ?? '')}${body}`);
      await untilArriving(server);
      socket.resetAndDestroy();
      expect(await settledTraces(server)).toEqual({ rows: 0, names: [] });
    }
    expect(server.failures).toEqual([]);
  });

  test('an upload that stalls is given up and its connection closed', async () => {
    await using server = await startStorageServer(databases, { idle: 300 });
    const { authorization } = await server.newKey();
    const socket = await server.connect();
    socket.write(`${head(authorization, 'content-length: 100')}hello`);
    const began = Date.now();
    const reply = Buffer.concat(await Array.fromAsync(socket as AsyncIterable<Buffer>)).toString();
    expect(reply).toMatch(/^HTTP\/1\.1 408 /);
    expect(reply).toMatch(/connection: close/i);
    expect(Date.now() - began).toBeLessThan(4000);
    expect(await settledTraces(server)).toEqual({ rows: 0, names: [] });
  });

  test('an upload that only drips is given up', async () => {
    await using server = await startStorageServer(databases, { idle: 400 });
    const { authorization } = await server.newKey();
    const socket = await server.connect();
    socket.write(head(authorization, 'content-length: 1000'));
    const drip = setInterval(() => socket.writable && socket.write('x'), 100);
    const reply = Buffer.concat(await Array.fromAsync(socket as AsyncIterable<Buffer>)).toString();
    clearInterval(drip);
    expect(reply).toMatch(/^HTTP\/1\.1 408 /);
    expect(await settledTraces(server)).toEqual({ rows: 0, names: [] });
  });

  test('a refused upload does not have to be sent', async () => {
    await using server = await startStorageServer(databases, { limit: 1000 });
    const { authorization } = await server.newKey();
    const socket = await server.connect();
    socket.write(head(authorization, 'content-length: 5000000000'));
    const reply = Buffer.concat(await Array.fromAsync(socket as AsyncIterable<Buffer>)).toString();
    expect(reply).toMatch(/^HTTP\/1\.1 413 /);
  });
});
