import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { randomSafetensors } from '../../models/hub.test-support.ts';
import { serveHttp, writeEndlessly } from '../http/file-server.test-support.ts';
import { openGuardedClient } from '../http/guarded-client.ts';
import type { OwnFile } from '../own-file.ts';
import { LoraCache } from './lora-cache.ts';
import type { LoraFetch } from './lora-source.ts';
import { copyOwnLora, decodeLora, fetchUrlLora } from './url-lora.ts';

const client = openGuardedClient({ allowPrivateHosts: ['127.0.0.1'] });
const folders = await mkdtemp(join(tmpdir(), 'soundstage-url-lora-'));
afterAll(async () => {
  await client[Symbol.asyncDispose]();
  await rm(folders, { recursive: true });
});
let folder = '';
let cache: LoraCache;
beforeEach(async () => {
  folder = await mkdtemp(join(folders, 'cache-'));
  cache = await LoraCache.open({ folder, maxBytes: 1_000_000 });
});
afterEach(async () => {
  expect(await readdir(join(folder, 'incoming'))).toEqual([]);
  cache[Symbol.dispose]();
});

const options = (changes: Partial<LoraFetch> = {}): LoraFetch => ({
  ...{ client, cache, field: 'loras.0.path', maxBytes: 500_000, timeout: 5000 },
  ...changes,
});

/** Fetches, gives the content, and gives the lease back. */
async function fetched(url: string, changes: Partial<LoraFetch> = {}): Promise<Buffer> {
  using lease = await fetchUrlLora(url, options(changes));
  return await readFile(lease.path);
}

const versions = { first: randomSafetensors(1000), second: randomSafetensors(2000) };

/** Serves `content()` with an ETag, as file servers do. */
function fileServer(content: () => Buffer, seen: { full: number; unchanged: number }): RequestListener {
  return (request, response) => {
    const etag = `"${createHash('md5').update(content()).digest('hex')}"`;
    if (request.headers['if-none-match'] === etag) {
      seen.unchanged++;
      response.writeHead(304).end();
    } else {
      seen.full++;
      response.writeHead(200, { etag, 'content-length': content().length }).end(content());
    }
  };
}

test('a URL is fetched once, asked about every time, and a changed file is seen', async () => {
  const seen = { full: 0, unchanged: 0 };
  let content = versions.first;
  await using server = await serveHttp(fileServer(() => content, seen));
  const states: string[] = [];
  const onFetch = (state: string, bytes?: number): number => states.push(`${state} ${bytes}`);
  expect((await fetched(server.url, { onFetch })).equals(versions.first)).toBe(true);
  expect((await fetched(server.url, { onFetch })).equals(versions.first)).toBe(true);
  expect(seen).toEqual({ full: 1, unchanged: 1 });
  expect(states).toEqual([`fetching ${versions.first.length}`]);
  content = versions.second;
  expect((await fetched(server.url)).equals(versions.second)).toBe(true);
  expect((await fetched(server.url)).equals(versions.second)).toBe(true);
  expect(seen).toEqual({ full: 2, unchanged: 2 });
  cache[Symbol.dispose]();
  cache = await LoraCache.open({ folder, maxBytes: 1_000_000 });
  await fetched(server.url);
  expect(seen).toEqual({ full: 2, unchanged: 3 });
});

test('equal content from two URLs is kept once', async () => {
  await using server = await serveHttp((_request, response) => response.end(versions.first));
  using one = await fetchUrlLora(`${server.url}/a`, options());
  using two = await fetchUrlLora(`${server.url}/b`, options());
  expect(one.path).toBe(two.path);
  expect(await readdir(join(folder, 'files'))).toHaveLength(1);
});

test('Last-Modified serves where there is no ETag; without both, every clip fetches', async () => {
  let full = 0;
  const date = 'Mon, 01 Jan 2024 00:00:00 GMT';
  await using server = await serveHttp((request, response) => {
    if (request.headers['if-modified-since'] === date) return void response.writeHead(304).end();
    full++;
    response.writeHead(200, request.url === '/dated' ? { 'last-modified': date } : {}).end(versions.first);
  });
  for (let round = 0; round < 2; round++) await fetched(`${server.url}/dated`);
  expect(full).toBe(1);
  for (let round = 0; round < 2; round++) await fetched(`${server.url}/undated`);
  expect(full).toBe(3);
});

test('a file that was evicted is fetched again, without asking whether it changed', async () => {
  const seen = { full: 0, unchanged: 0 };
  await using server = await serveHttp(fileServer(() => versions.first, seen));
  await fetched(server.url);
  await cache.makeRoom(1_000_000);
  await fetched(server.url);
  expect(seen).toEqual({ full: 2, unchanged: 0 });
});

test('several at once, in two processes as it were: one download', async () => {
  let full = 0;
  await using server = await serveHttp(async (_request, response) => {
    full++;
    response.writeHead(200, { 'content-length': versions.first.length }).write(versions.first.subarray(0, 100));
    await sleep(300);
    response.end(versions.first.subarray(100));
  });
  using other = await LoraCache.open({ folder, maxBytes: 1_000_000 });
  const waited: string[] = [];
  const onFetch = (state: string): number => waited.push(state);
  const contents = await Promise.all(
    [cache, other, cache, other].map((each) => fetched(server.url, { cache: each, onFetch })),
  );
  expect(contents.every((content) => content.equals(versions.first))).toBe(true);
  expect(full).toBe(1);
  expect(waited.toSorted()).toEqual(['fetching', 'waiting', 'waiting', 'waiting']);
});

test('one that gives up does not take the others with it', async () => {
  let full = 0;
  await using server = await serveHttp(async (_request, response) => {
    full++;
    response.writeHead(200).write(versions.first.subarray(0, 100));
    await sleep(400);
    response.end(versions.first.subarray(100));
  });
  const first = fetched(server.url, { signal: AbortSignal.timeout(150) });
  await sleep(50);
  const second = fetched(server.url);
  await expect(first).rejects.toMatchObject({ kind: 'cancelled' });
  expect((await second).equals(versions.first)).toBe(true);
  expect(full).toBe(2);
});

test.each([
  ['a web page', '<!DOCTYPE html><html><body>Sign in</body></html>', /it is a web page \(from 127/, undefined],
  ['a page with a title', '<html><title>Log in', /it is a web page \("Log in", from 127/, undefined],
  ['an error in JSON', '{"error": "expired"}', /it is a JSON document \("expired", from 127/, undefined],
  ['a pickle', `PK\u0003\u0004${'x'.repeat(100)}`, /pickle/, undefined],
  ['a file cut off by its author', randomSafetensors(1000).subarray(0, 900), /cut off/, undefined],
  ['nothing', '', /too short/, undefined],
  ['too large a file', randomSafetensors(500_000), /at most 500000 bytes/, 'file_too_large'],
])('%s is refused and leaves nothing', async (_title, content, message, type) => {
  await using server = await serveHttp((_request, response) => response.end(content));
  await expect(fetched(`${server.url}/lora.safetensors`)).rejects.toMatchObject({
    ...{ kind: 'input', field: 'loras.0.path', type, message: expect.stringMatching(message) },
  });
  expect(await readdir(join(folder, 'files'))).toEqual([]);
});

test('an endless foreign file is refused at once', async () => {
  let sent = 0;
  await using server = await serveHttp(async (_request, response) => {
    await writeEndlessly(response, Buffer.alloc(65_536, 'PK'), () => {
      sent += 65_536;
    });
  });
  await expect(fetched(server.url, { maxBytes: 1e9 })).rejects.toThrow(/pickle/);
  expect(sent).toBeLessThan(20_000_000);
});

test('an interrupted download leaves nothing, and the old version is not taken for the new one', async () => {
  let cut = false;
  await using server = await serveHttp((_request, response) => {
    response.writeHead(200, { etag: cut ? '"2"' : '"1"', 'content-length': versions.first.length });
    if (cut) response.write(versions.first.subarray(0, 500), () => response.destroy());
    else response.end(versions.first);
  });
  await fetched(server.url);
  cut = true;
  await expect(fetched(server.url)).rejects.toMatchObject({ type: 'file_download_error', field: 'loras.0.path' });
  cut = false;
  expect((await fetched(server.url)).equals(versions.first)).toBe(true);
});

test('the cache never grows beyond its limit', async () => {
  const small = await LoraCache.open({ folder: join(folder, 'small'), maxBytes: 5000 });
  using _small = small;
  const contents = Array.from({ length: 6 }, () => randomSafetensors(2000));
  await using server = await serveHttp(({ url }, response) => response.end(contents[Number(url?.slice(1))]));
  for (let number = 0; number < 6; number++) {
    await fetched(`${server.url}/${number}`, { cache: small });
    expect((await readdir(join(folder, 'small', 'files'))).length).toBeLessThanOrEqual(2);
  }
});

test('own files and data URIs: the same content is taken once', async () => {
  let opened = 0;
  const own: OwnFile = {
    identity: 'file-1',
    size: versions.second.length,
    open: async () => {
      opened++;
      return (async function* () {
        yield versions.second;
      })();
    },
  };
  for (let round = 0; round < 2; round++) {
    using lease = await copyOwnLora(own, options());
    expect((await readFile(lease.path)).equals(versions.second)).toBe(true);
  }
  expect(opened).toBe(1);
  const uri = `data:;base64,${versions.first.toString('base64')}`;
  for (let round = 0; round < 2; round++) {
    using lease = await decodeLora(uri, options());
    expect((await readFile(lease.path)).equals(versions.first)).toBe(true);
  }
  await expect(decodeLora('data:;base64,!!', options())).rejects.toMatchObject({ type: 'file_download_error' });
  await expect(decodeLora('data:,hello', options())).rejects.toThrow(/too short/);
});
