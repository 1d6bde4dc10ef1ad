import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { elementAt } from '../../shared/element-at.ts';
import { etagOf, randomSafetensors, TestHub } from '../hub.test-support.ts';
import { blobPath, fileSize, partialPath } from './cache.ts';
import type { RemoteFile } from './client.ts';
import { downloadBlob } from './download.ts';
import { hubSettings } from './settings.ts';
import type { TransferOptions } from './verified-transfer.ts';

const filePath = 'weights.safetensors';
const repoPattern = 'owner/name';
const quickRetry = { attempts: 3, baseDelay: 10, maxDelay: 20, stallTimeout: 30_000 };
const content = randomSafetensors(3_000_000);

let hub: TestHub;
let cache: string;
let file: RemoteFile;
let blob: string;
let partial: string;

beforeEach(async () => {
  hub = await TestHub.start();
  cache = await mkdtemp(join(tmpdir(), 'soundstage-hub-'));
  const { commit } = hub.add(repoPattern, { [filePath]: content });
  file = { repo: repoPattern, commit, path: filePath, size: content.length, etag: etagOf(filePath, content) };
  blob = blobPath(cache, repoPattern, file.etag);
  partial = partialPath(cache, repoPattern, file.etag);
});

afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await rm(cache, { recursive: true });
});

function download(options: Partial<TransferOptions> = {}): Promise<void> {
  return downloadBlob(hubSettings({ cache, endpoint: hub.endpoint, env: {} }), file, { retry: quickRetry, ...options });
}

async function expectWholeBlob(): Promise<void> {
  expect((await readFile(blob)).equals(content)).toBe(true);
}

const ranges = (): readonly (string | undefined)[] =>
  hub.requests.filter(({ server }) => server === 'cdn').map(({ range }) => range);

test('stores the content under its hash and leaves no partial file', async () => {
  await download();
  await expectWholeBlob();
  expect(await fileSize(partial)).toBeUndefined();
  expect(ranges()).toEqual([undefined]);
});

test('goes on from the last byte when the connection is cut', async () => {
  hub.fault = (_, count) => (count === 1 ? { cutAfter: 1_000_000 } : count === 2 ? { cutAfter: 500_000 } : undefined);
  await download();
  await expectWholeBlob();
  const [first, second, third] = ranges();
  expect(first).toBeUndefined();
  const [from2, from3] = [second, third].map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1]));
  // A cut connection may lose bytes that were under way, so only the bounds are sure.
  expect(from2).toBeGreaterThan(0);
  expect(from2).toBeLessThanOrEqual(1_000_000);
  expect(from3).toBeGreaterThan(from2 ?? Number.NaN);
  expect(hub.served.get(filePath)).toBe(1_000_000 + 500_000 + content.length - (from3 ?? 0));
});

test('starts over when the server ignores the range', async () => {
  hub.fault = (_, count) => (count === 1 ? { cutAfter: 1_000_000 } : { ignoreRange: true });
  await download();
  await expectWholeBlob();
  expect(ranges()[1]).toMatch(/^bytes=/);
  expect(hub.served.get(filePath)).toBe(1_000_000 + content.length);
});

test('gives up on a server that ignores ranges and always cuts at the same place', async () => {
  hub.fault = () => ({ cutAfter: 1_000_000, ignoreRange: true });
  await expect(download()).rejects.toMatchObject({
    kind: 'network',
    message: expect.stringContaining('weights.safetensors'),
  });
  expect(hub.requestsFor(filePath).length).toBeLessThan(20);
});

test('starts over when the server sends another part than asked for', async () => {
  hub.fault = (_, count) => (count === 1 ? { cutAfter: 1_000_000 } : count === 2 ? { shift: 7 } : undefined);
  await download();
  await expectWholeBlob();
  expect(ranges()[2]).toBeUndefined();
});

test('starts over when the server refuses the range', async () => {
  hub.fault = (_, count) => (count === 1 ? { cutAfter: 1_000_000 } : count === 2 ? { status: 416 } : undefined);
  await download();
  await expectWholeBlob();
  expect(ranges()[2]).toBeUndefined();
});

test('goes on after a connection on which nothing arrives any more', async () => {
  hub.fault = (_, count) => (count === 1 ? { stallAfter: 1_000_000 } : undefined);
  await download({ retry: { ...quickRetry, stallTimeout: 300 } });
  await expectWholeBlob();
  expect(ranges()[1]).toMatch(/^bytes=/);
});

test('goes on after 429 with Retry-After, 500 and an expired link', async () => {
  const faults = [{ status: 429, headers: { 'retry-after': '1' } }, { status: 500 }];
  hub.fault = (_, count) => faults[count - 1];
  const start = performance.now();
  await download();
  expect(performance.now() - start).toBeGreaterThan(1000);
  await expectWholeBlob();

  await rm(blob);
  hub.fault = (_, count) => (count === 4 ? { status: 403 } : undefined);
  await download();
  const links = hub.requests.filter(({ server }) => server === 'cdn').map(({ url }) => url);
  expect(links).toHaveLength(5);
  expect(links[4]).not.toBe(links[3]);
});

test('does not wait for hours because a server asks to', async () => {
  hub.fault = () => ({ status: 429, headers: { 'retry-after': '7200' } });
  await expect(download()).rejects.toThrow(/in 120 minutes/);
});

test('gives up after some tries, and keeps what it has', async () => {
  hub.fault = (_, count) => (count === 1 ? { cutAfter: 1_000_000 } : { status: 503 });
  await expect(download()).rejects.toMatchObject({
    kind: 'network',
    message: expect.stringMatching(/HTTP 503.*again/),
  });
  expect(await fileSize(partial)).toBeGreaterThan(0);
  expect(await fileSize(blob)).toBeUndefined();
});

test('fetches damaged content again, once', async () => {
  hub.fault = (_, count) => (count === 1 ? { corrupt: true } : undefined);
  await download();
  await expectWholeBlob();
  expect(hub.served.get(filePath)).toBe(2 * content.length);
});

test('refuses content that is damaged twice and keeps none of it', async () => {
  hub.fault = () => ({ corrupt: true });
  await expect(download()).rejects.toMatchObject({
    kind: 'network',
    message: expect.stringContaining('damaged twice'),
  });
  expect(await fileSize(blob)).toBeUndefined();
  expect(await fileSize(partial)).toBeUndefined();
  expect(hub.requestsFor(filePath).filter(({ server }) => server === 'cdn')).toHaveLength(2);
});

test('verifies what an earlier process left: a good part is kept, a damaged one found out', async () => {
  hub.fault = () => ({ status: 503 });
  await expect(download()).rejects.toThrow();
  await writeFile(partial, content.subarray(0, 2_000_000));
  hub.fault = () => undefined;
  await download();
  expect(ranges().at(-1)).toBe('bytes=2000000-');
  expect(hub.served.get(filePath)).toBe(content.length - 2_000_000);

  await rm(blob);
  const damaged = Buffer.from(content.subarray(0, 2_000_000));
  damaged[1_234_567] = elementAt(damaged, 1_234_567) ^ 1;
  await writeFile(partial, damaged);
  await download();
  await expectWholeBlob();
  expect(ranges().slice(-2)).toEqual(['bytes=2000000-', undefined]);
});

test('cancelling keeps the part for the next time', async () => {
  const controller = new AbortController();
  const cancelAt = (_: string, bytes = 0): void => {
    if (bytes > 500_000) controller.abort();
  };
  await expect(download({ signal: controller.signal, onProgress: cancelAt })).rejects.toMatchObject({
    kind: 'cancelled',
  });
  const { size } = await stat(partial);
  expect(size).toBeGreaterThan(500_000);
  await download();
  expect(ranges().at(-1)).toBe(`bytes=${size}-`);
  await expectWholeBlob();
});

test('replaces a blob that is too short', async () => {
  await download();
  await truncate(blob, 1000);
  await download();
  await expectWholeBlob();
});

test('says so when the cache cannot be written', async () => {
  const path = join(cache, 'a-file');
  await writeFile(path, '');
  const settings = hubSettings({ cache: path, endpoint: hub.endpoint, env: {} });
  await expect(downloadBlob(settings, file, { retry: quickRetry })).rejects.toMatchObject({
    kind: 'device',
    message: expect.stringContaining(path),
  });
});

test('two downloads of one file in one process fetch it once', async () => {
  const states: [string[], string[]] = [[], []];
  await Promise.all(states.map((own) => download({ onProgress: (state) => own.push(state) })));
  expect(hub.served.get(filePath)).toBe(content.length);
  // Either may be the first.
  expect(states.flat()).toContain('waiting');
  expect(states.map((own) => own.at(-1))).toEqual(['done', 'done']);
});
