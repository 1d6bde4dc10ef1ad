import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { blobPath, linkSnapshot } from '../../models/hub/cache.ts';
import { hubSettings } from '../../models/hub/settings.ts';
import { etagOf, randomSafetensors, TestHub, testToken } from '../../models/hub.test-support.ts';
import { openGuardedClient } from '../http/guarded-client.ts';
import { LoraCache } from './lora-cache.ts';
import { type LoraReference, type ResolveLoraOptions, resolveLora } from './lora-file.ts';

const client = openGuardedClient({ allowPrivateHosts: ['127.0.0.1'] });
const folders = await mkdtemp(join(tmpdir(), 'soundstage-hub-lora-'));
const weights = randomSafetensors(100_000);
let hub: TestHub;
let folder = '';
let cache: LoraCache;
afterAll(async () => {
  await client[Symbol.asyncDispose]();
  await rm(folders, { recursive: true });
});
beforeEach(async () => {
  hub = await TestHub.start();
  hub.add('owner/lora', { 'README.md': 'text', 'style.safetensors': weights });
  folder = await mkdtemp(join(folders, 'cache-'));
  cache = await LoraCache.open({ folder, maxBytes: 1_000_000 });
});
afterEach(async () => {
  cache[Symbol.dispose]();
  await hub[Symbol.asyncDispose]();
});

const settings = (env: NodeJS.ProcessEnv = {}) =>
  hubSettings({ endpoint: hub.endpoint, cache: join(folder, 'hub'), env: { HF_HOME: folder, ...env } });

async function resolved(
  lora: Partial<LoraReference> & { path: string },
  changes: Partial<ResolveLoraOptions> = {},
): Promise<Buffer> {
  const options: ResolveLoraOptions = {
    ...{ client, cache, hub: settings(), maxBytes: 500_000, timeout: 10_000 },
    ...{ retry: { baseDelay: 5, stallTimeout: 1000 }, ...changes },
  };
  using found = await resolveLora({ scale: 1, ...lora }, 2, options);
  return await readFile(found.path);
}

const failed = (lora: LoraReference['path'] | (Partial<LoraReference> & { path: string }), changes = {}) =>
  resolved(typeof lora === 'string' ? { path: lora } : lora, changes).then(
    () => {
      throw new Error('it succeeded');
    },
    (error: unknown) => error,
  );

test('a repository with one file, by name, revision or link; fetched once', async () => {
  for (const path of [
    ...['owner/lora', ' owner/lora@main ', `${hub.endpoint}/owner/lora/resolve/main/style.safetensors?download=true`],
    ...[`${hub.endpoint}/owner/lora/blob/main/style.safetensors`],
  ]) {
    expect((await resolved({ path })).equals(weights)).toBe(true);
  }
  expect(hub.requestsFor('style.safetensors').filter(({ server }) => server === 'cdn')).toHaveLength(1);
  expect(await readdir(join(folder, 'incoming'))).toEqual([]);
});

test('of several files weight_name says which', async () => {
  const other = randomSafetensors(500);
  hub.add('owner/many', { 'a.safetensors': weights, 'deep/b.safetensors': other, 'c.bin': 'PK' });
  expect(await failed('owner/many')).toMatchObject({
    kind: 'input',
    field: 'loras.2.weight_name',
    message: expect.stringMatching(/several.*a\.safetensors, deep\/b\.safetensors$/),
  });
  expect((await resolved({ path: 'owner/many', weight_name: 'deep/b.safetensors' })).equals(other)).toBe(true);
  for (const weight_name of ['c.bin', 'b.safetensors', '../../../x', '/etc/passwd', 'a.safetensors/../a.safetensors']) {
    expect(await failed({ path: 'owner/many', weight_name })).toMatchObject({ field: 'loras.2.weight_name' });
  }
  expect((await resolved({ path: 'owner/lora', weight_name: '' })).equals(weights)).toBe(true);
  hub.add('owner/none', { 'README.md': 'x' });
  expect(await failed('owner/none')).toMatchObject({ kind: 'input', field: 'loras.2.path' });
});

test('names of files that lead elsewhere are not fetched, even where a hub lists them', async () => {
  hub.add('owner/evil', { '../../../evil.safetensors': weights, 'x/../../y.safetensors': weights });
  expect(await failed('owner/evil')).toMatchObject({
    kind: 'input',
    message: expect.stringMatching(/no .safetensors/),
  });
});

test('gated, missing and unreachable repositories', async () => {
  const gated = hub.add('owner/gated', { 'style.safetensors': weights });
  gated.gated = true;
  const download = { kind: 'input', field: 'loras.2.path', type: 'file_download_error' };
  expect(await failed('owner/gated')).toMatchObject({ ...download, message: expect.stringMatching(/gated.*HF_TOKEN/) });
  const hubWithToken = settings({ HF_TOKEN: testToken });
  expect((await resolved({ path: 'owner/gated' }, { hub: hubWithToken })).equals(weights)).toBe(true);
  expect(await failed('owner/absent')).toMatchObject({ ...download, message: expect.stringMatching(/no repository/) });
  hub.apiFault = () => ({ status: 503 });
  expect(await failed('owner/lora')).toMatchObject(download);
});

test.each([
  ...[
    '../../etc',
    'owner/..',
    'owner/lora@../../x',
    'owner/lora@a/../b',
    'owner/lora@',
    'a/b/c',
    'owner',
    '@',
    'o/r@x@y',
  ],
  ...['owner/lora?x=y', 'owner/lora#x', 'owner\\lora', 's3://bucket/x.safetensors', 'file:///etc/passwd', 'o r/x'],
  ...['javascript:alert(1)', `owner/${'x'.repeat(200)}`, 'owner/lora@--x', '%2e%2e/x'],
])('%s is no name of a LoRA', async (path) => {
  expect(await failed(path)).toMatchObject({ kind: 'input', field: 'loras.2.path' });
  expect(hub.requests).toEqual([]);
});

test('size limit, time limit and cancellation', async () => {
  expect(await failed('owner/lora', { maxBytes: 1000 })).toMatchObject({ type: 'file_too_large' });
  expect(hub.requestsFor('style.safetensors').filter(({ server }) => server === 'cdn')).toEqual([]);
  hub.fault = () => ({ stallAfter: 40_000 });
  const slow = { retry: { stallTimeout: 60_000 } };
  expect(await failed('owner/lora', { ...slow, timeout: 500 })).toMatchObject({
    ...{ kind: 'input', type: 'file_download_error', message: expect.stringMatching(/longer than 0.5 s/) },
  });
  expect(await failed('owner/lora', { ...slow, signal: AbortSignal.timeout(500) })).toMatchObject({
    kind: 'cancelled',
  });
});

test('an interrupted download goes on where it ended', async () => {
  hub.fault = (_file, count) => (count === 1 ? { stallAfter: 60_000 } : undefined);
  await failed('owner/lora', { timeout: 500, retry: { stallTimeout: 60_000 } });
  expect((await resolved({ path: 'owner/lora' })).equals(weights)).toBe(true);
  expect(hub.requestsFor('style.safetensors').at(-1)?.range).toBe('bytes=60000-');
  expect(await readdir(join(folder, 'incoming'))).toEqual([]);
});

test('what arrives damaged or is no safetensors is refused and leaves nothing', async () => {
  hub.fault = () => ({ corrupt: true });
  expect(await failed('owner/lora')).toMatchObject({ kind: 'input', type: 'file_download_error' });
  expect(await readdir(join(folder, 'incoming'))).toEqual([]);
  hub.fault = () => undefined;
  hub.add('owner/pickle', { 'style.safetensors': Buffer.from(`PK\u0003\u0004${'x'.repeat(500)}`) });
  expect(await failed('owner/pickle')).toMatchObject({
    field: 'loras.2.path',
    message: expect.stringMatching(/pickle/),
  });
  expect(await readdir(join(folder, 'files'))).toEqual([]);
});

test('two clips at once: one download', async () => {
  using other = await LoraCache.open({ folder, maxBytes: 1_000_000 });
  hub.fault = () => ({ delay: 300 });
  const states: string[] = [];
  const onFetch = (state: string): number => states.push(state);
  await Promise.all([cache, other].map((each) => resolved({ path: 'owner/lora' }, { cache: each, onFetch })));
  expect(states.toSorted()).toEqual(['fetching', 'waiting']);
  expect(hub.requestsFor('style.safetensors').filter(({ server }) => server === 'cdn')).toHaveLength(1);
});

test("files in the cache of the hub's own tools are used where they are, also offline", async () => {
  const etag = etagOf('style.safetensors', weights);
  const blob = blobPath(join(folder, 'hub'), 'owner/lora', etag);
  await mkdir(join(blob, '..'), { recursive: true });
  await writeFile(blob, weights);
  await linkSnapshot(join(folder, 'hub'), 'owner/lora', 'a'.repeat(40), 'style.safetensors', etag);
  expect((await resolved({ path: 'owner/lora' })).equals(weights)).toBe(true);
  expect(hub.requestsFor('style.safetensors').filter(({ server }) => server === 'cdn')).toEqual([]);
  const offline = settings({ HF_HUB_OFFLINE: '1' });
  const asked = hub.requests.length;
  expect((await resolved({ path: 'owner/lora' }, { hub: offline })).equals(weights)).toBe(true);
  expect(await failed('owner/absent', { hub: offline })).toMatchObject({ message: expect.stringMatching(/offline/) });
  expect(hub.requests).toHaveLength(asked);
});
