import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { LoraCache } from './lora-cache.ts';

const folders = await mkdtemp(join(tmpdir(), 'soundstage-lora-cache-'));
afterAll(() => rm(folders, { recursive: true }));
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(folders, 'cache-'));
});

const open = (maxBytes = 1000): Promise<LoraCache> => LoraCache.open({ folder, maxBytes });
const keyOf = (name: string): string => createHash('sha256').update(name).digest('hex');

/** Puts random bytes into the cache and gives their hash. */
async function add(cache: LoraCache, bytes: number, name: string = randomBytes(4).toString('hex')): Promise<string> {
  await using download = await cache.startDownload(keyOf(name));
  const content = randomBytes(bytes);
  await writeFile(join(download.folder, 'download'), content);
  const hash = createHash('sha256').update(content).digest('hex');
  await cache.makeRoom(0);
  cache
    .publish(join(download.folder, 'download'), hash, download.key, { etag: 'e', checkedAt: Date.now() })
    [Symbol.dispose]();
  return hash;
}

const cachedFiles = async (): Promise<readonly string[]> =>
  (await readdir(join(folder, 'files'))).map((name) => name.replace('.safetensors', '')).sort();

test('files outlive the process, with the source they are from', async () => {
  let hash = '';
  {
    using cache = await open();
    hash = await add(cache, 100, 'a');
  }
  using cache = await open();
  using lease = cache.lease(hash);
  expect(await readFile(lease?.path ?? '')).toHaveLength(100);
  expect(cache.source(keyOf('a'))).toMatchObject({ hash, etag: 'e', lastModified: undefined });
  expect(cache.lease(keyOf('unknown'))).toBeUndefined();
  expect(await readdir(join(folder, 'incoming'))).toEqual([]);
});

test('the least recently used files go first, with their sources; those in use stay', async () => {
  using cache = await open();
  const hashes: string[] = [];
  for (const name of ['a', 'b', 'c', 'd']) {
    hashes.push(await add(cache, 240, name));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const [a = '', b = '', c = '', d = ''] = hashes;
  using _held = cache.lease(b);
  await new Promise((resolve) => setTimeout(resolve, 5));
  cache.lease(a)?.[Symbol.dispose]();
  await cache.makeRoom(500);
  // c and d are older than a, which was just used; b is oldest but held.
  expect(await cachedFiles()).toEqual([a, b].sort());
  expect(cache.source(keyOf('c'))).toBeUndefined();
  expect(cache.lease(c) ?? cache.lease(d)).toBeUndefined();
  await cache.makeRoom(1000);
  expect(await cachedFiles()).toEqual([b]);
  expect(await readdir(join(folder, 'incoming'))).toEqual([]);
});

test('two leases of one file: it stays until both are given back', async () => {
  using cache = await open(100);
  const hash = await add(cache, 90);
  const first = cache.lease(hash);
  const second = cache.lease(hash);
  first?.[Symbol.dispose]();
  await cache.makeRoom(100);
  expect(await cachedFiles()).toEqual([hash]);
  second?.[Symbol.dispose]();
  await cache.makeRoom(100);
  expect(await cachedFiles()).toEqual([]);
  expect(await readdir(join(folder, 'locks'))).toEqual([]);
});

test('another process holds a file until it ends, even by force', async () => {
  using cache = await open(100);
  const hash = await add(cache, 90);
  const script = fileURLToPath(new URL('lora-holder.test-support.ts', import.meta.url));
  const holder = spawn(process.execPath, [script, folder, hash], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = await once(holder.stdout, 'data');
    expect(String(line).trim()).toBe('held');
    await cache.makeRoom(100);
    expect(await cachedFiles()).toEqual([hash]);
  } finally {
    holder.kill('SIGKILL');
    await once(holder, 'exit');
  }
  await cache.makeRoom(100);
  expect(await cachedFiles()).toEqual([]);
});

test('one at a time fetches a source; the others wait and can give up', async () => {
  using cache = await open();
  using other = await open();
  const first = await cache.startDownload(keyOf('a'));
  let waits = 0;
  const second = other.startDownload(keyOf('a'), { onWait: () => waits++ });
  await expect(cache.startDownload(keyOf('a'), { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
    kind: 'cancelled',
  });
  await using _unrelated = await cache.startDownload(keyOf('b'));
  await writeFile(join(first.folder, 'half'), 'x');
  await first[Symbol.asyncDispose]();
  await using download = await second;
  expect(waits).toBe(1);
  expect(await readdir(download.folder)).toEqual([]);
});

test('what is kept of an unfinished download is there for the next, counts, and goes before anything else', async () => {
  using cache = await open();
  const hash = await add(cache, 400);
  {
    await using download = await cache.startDownload(keyOf('a'));
    await mkdir(join(download.folder, 'deep'));
    await writeFile(join(download.folder, 'deep', 'half'), Buffer.alloc(500));
    download.keep();
  }
  {
    await using download = await cache.startDownload(keyOf('a'));
    expect(existsSync(join(download.folder, 'deep', 'half'))).toBe(true);
    download.keep();
    // In use, so the file has to go.
    await cache.makeRoom(200);
    expect(await cachedFiles()).toEqual([]);
    expect(existsSync(join(download.folder, 'deep', 'half'))).toBe(true);
  }
  const later = await add(cache, 400);
  await cache.makeRoom(500);
  expect(await cachedFiles()).toEqual([later]);
  expect(await readdir(join(folder, 'incoming'))).toEqual([]);
  expect(hash).not.toBe(later);
});

test('opening clears what crashes left behind', async () => {
  let hash = '';
  {
    using cache = await open();
    hash = await add(cache, 100);
  }
  await writeFile(join(folder, 'files', `${keyOf('stray')}.safetensors`), 'published, but not noted');
  for (const name of ['old', 'fresh']) {
    await mkdir(join(folder, 'incoming', keyOf(name)));
    await writeFile(join(folder, 'incoming', keyOf(name), 'download'), 'x');
  }
  const past = new Date(Date.now() - 2 * 86_400_000);
  await utimes(join(folder, 'incoming', keyOf('old')), past, past);
  using cache = await open();
  expect(await cachedFiles()).toEqual([hash]);
  expect(await readdir(join(folder, 'incoming'))).toEqual([keyOf('fresh')]);
  // Tidied by hand, or damaged.
  await writeFile(join(folder, 'files', `${hash}.safetensors`), 'short');
  expect(cache.lease(hash)).toBeUndefined();
  using _again = await open();
  expect(await readdir(join(folder, 'locks'))).toEqual([]);
});

test('a smaller limit applies from the next start', async () => {
  {
    using cache = await open();
    for (let count = 0; count < 5; count++) await add(cache, 100);
  }
  using _cache = await open(250);
  expect(await cachedFiles()).toHaveLength(2);
});

test('a folder that cannot be used is a clear error', async () => {
  await writeFile(join(folder, 'index.sqlite'), randomBytes(5000));
  await expect(open()).rejects.toMatchObject({ kind: 'device', message: expect.stringContaining('index.sqlite') });
});

test('many takers at once, with evictions, in two caches on one folder', async () => {
  using one = await open(1000);
  using two = await open(1000);
  const errors: unknown[] = [];
  await Promise.all(
    Array.from({ length: 40 }, async (_, number) => {
      const cache = number % 2 === 0 ? one : two;
      const hash = await add(cache, 150);
      using lease = cache.lease(hash);
      if (lease === undefined) return;
      await cache.makeRoom(300);
      const content = await readFile(lease.path).catch((error: unknown) => errors.push(error));
      if (typeof content === 'number') return;
      expect(createHash('sha256').update(content).digest('hex')).toBe(hash);
    }),
  );
  expect(errors).toEqual([]);
  await one.makeRoom(0);
  expect((await cachedFiles()).length).toBeLessThanOrEqual(6);
});
