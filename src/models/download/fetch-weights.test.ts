import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readlink, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { etagOf, TestHub, testToken } from '../hub.test-support.ts';
import { resolveWeights } from '../resolve-weights.ts';
import type { WeightSet } from '../weight-folder.ts';
import { addWeights } from '../weights.test-support.ts';
import { type FetchOptions, fetchWeights } from './fetch-weights.ts';

const weightSetId = 'ltx-2-19b-distilled';
const bundleName = 'ltx-2-19b-distilled.safetensors';
const gemmaFiles = 'google/gemma-3-12b-it-qat-q4_0-unquantized';

let hub: TestHub;
let cache: string;
let env: NodeJS.ProcessEnv;

beforeEach(async () => {
  hub = await TestHub.start();
  addWeights(hub);
  cache = await mkdtemp(join(tmpdir(), 'soundstage-fetch-'));
  env = { HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: cache, HF_HOME: join(cache, 'home') };
});

afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await rm(cache, { recursive: true });
});

function fetchSet(options: FetchOptions = {}): Promise<WeightSet> {
  return fetchWeights(weightSetId, {
    env,
    retry: { attempts: 3, baseDelay: 10, maxDelay: 20, stallTimeout: 1000 },
    ...options,
  });
}

const contentOf = (repo: string, file: string): Buffer => hub.repos.get(repo)?.files.get(file) ?? Buffer.alloc(0);
const contentRequests = (): number => hub.requests.filter(({ server }) => server === 'cdn').length;

test('fetches a whole set into the hub cache layout', async () => {
  const set = await fetchSet();
  const ltx = hub.repos.get('Lightricks/LTX-2');
  const folder = join(cache, 'models--Lightricks--LTX-2');
  expect(set.bundle).toBe(join(folder, 'snapshots', ltx?.commit ?? '', bundleName));
  const bundle = contentOf('Lightricks/LTX-2', bundleName);
  expect(await readlink(set.bundle)).toBe(`../../blobs/${etagOf(bundleName, bundle)}`);
  expect((await readFile(set.bundle)).equals(bundle)).toBe(true);
  expect(await readFile(join(folder, 'refs', 'main'), 'utf8')).toBe(ltx?.commit);
  expect(hub.requestsFor('README.md')).toHaveLength(0);
  expect(Object.isFrozen(set)).toBe(true);
});

test('takes the shards from the index, and optional files where there are some', async () => {
  const { textEncoder } = await fetchSet();
  for (const [name, content] of hub.repos.get(gemmaFiles)?.files ?? []) {
    expect((await readFile(join(textEncoder, name))).equals(content), name).toBe(true);
    expect(basename(await realpath(join(textEncoder, name)))).toBe(etagOf(name, content));
  }
  expect(hub.requests.filter(({ file }) => file?.startsWith('chat_template'))).toHaveLength(0);
});

test('a second fetch transfers nothing, and resolving needs no network', async () => {
  const set = await fetchSet();
  const before = contentRequests();
  expect(await fetchSet()).toEqual(set);
  expect(contentRequests()).toBe(before);
  const requests = hub.requests.length;
  expect(await resolveWeights(weightSetId, { env, offline: true })).toEqual(set);
  expect(hub.requests).toHaveLength(requests);
});

test('the two 19B sets share what they have in common', async () => {
  await fetchSet();
  hub.served.clear();
  await fetchWeights('ltx-2-19b-distilled-fp8', { env });
  expect([...hub.served.keys()]).toEqual(['ltx-2-19b-distilled-fp8.safetensors']);
});

test('fetches camera LoRAs when asked to', async () => {
  expect((await fetchSet()).cameraLoras).toEqual({});
  const { cameraLoras } = await fetchSet({ cameras: ['dolly_in'] });
  expect(Object.keys(cameraLoras)).toEqual(['dolly_in']);
  await expect(resolveWeights(weightSetId, { env, cameras: ['jib_up'] })).rejects.toMatchObject({
    kind: 'weights',
    message: expect.stringContaining(`soundstage models fetch ${weightSetId} --camera jib_up`),
  });
});

test('a license to accept comes up before anything large is fetched', async () => {
  const gemma = hub.repos.get(gemmaFiles);
  if (gemma !== undefined) gemma.gated = true;
  await expect(fetchSet()).rejects.toMatchObject({
    kind: 'network',
    message: expect.stringMatching(new RegExp(`open ${hub.endpoint}/${gemmaFiles} and accept the license.*HF_TOKEN`)),
  });
  await expect(fetchSet({ env: { ...env, HF_TOKEN: 'hf_other' } })).rejects.toThrow(/your token has no access/);
  expect(contentRequests()).toBe(0);
});

test('the token goes to the hub and never to the file store', async () => {
  for (const repo of hub.repos.values()) repo.gated = true;
  await mkdir(join(cache, 'home'));
  await writeFile(join(cache, 'home', 'token'), `${testToken}\n`);
  await fetchSet();
  const seen = (server: string) => new Set(hub.requests.filter((r) => r.server === server).map((r) => r.authorization));
  expect(seen('hub')).toEqual(new Set([`Bearer ${testToken}`]));
  expect(seen('cdn')).toEqual(new Set([undefined]));
  expect(contentRequests()).toBeGreaterThan(3);
});

test('follows a repository that has moved, with the token', async () => {
  const gemma = hub.repos.get(gemmaFiles);
  if (gemma !== undefined) hub.repos.set('google/renamed', Object.assign(gemma, { gated: true }));
  hub.repos.delete(gemmaFiles);
  hub.moved.set(gemmaFiles, 'google/renamed');
  const { textEncoder } = await fetchSet({ env: { ...env, HF_TOKEN: testToken } });
  expect(await readFile(join(textEncoder, 'config.json'), 'utf8')).toContain('gemma3');
  expect(textEncoder).toContain(`models--${gemmaFiles.replace('/', '--')}`);
});

test('says which repository or file the hub does not have', async () => {
  hub.repos.get('Lightricks/LTX-2')?.files.delete(bundleName);
  await expect(fetchSet()).rejects.toThrow(`there is no file ${bundleName} in Lightricks/LTX-2 at ${hub.endpoint}`);
  hub.repos.delete(gemmaFiles);
  await expect(fetchSet()).rejects.toThrow(`there is no repository ${gemmaFiles} at ${hub.endpoint}`);
  expect(contentRequests()).toBe(0);
});

test('refuses an index that names a file outside its folder', async () => {
  const index = JSON.stringify({ weight_map: { a: '../../../evil.safetensors' } });
  hub.repos.get(gemmaFiles)?.files.set('model.safetensors.index.json', Buffer.from(index));
  await expect(fetchSet()).rejects.toMatchObject({ kind: 'weights', message: expect.stringContaining('evil') });
});

test('offline mode touches no network and says what is missing', async () => {
  const offline = { ...env, HF_HUB_OFFLINE: '1' };
  await expect(fetchSet({ env: offline })).rejects.toMatchObject({
    kind: 'weights',
    message: expect.stringMatching(/lacks ltx-2-19b-distilled\.safetensors, .*HF_HUB_OFFLINE.*soundstage models fetch/),
  });
  expect(hub.requests).toHaveLength(0);
  await fetchSet();
  const requests = hub.requests.length;
  await fetchSet({ env: offline });
  expect(hub.requests).toHaveLength(requests);
});

test('compares the free disk space before it starts', async () => {
  hub.claimedSize = 1e15;
  await expect(fetchSet()).rejects.toMatchObject({
    kind: 'device',
    message: expect.stringMatching(/has .* free but .* TB/),
  });
  expect(contentRequests()).toBe(0);
});

test('asks again when the hub stumbles over a question', async () => {
  hub.apiFault = (url, count) => (count === 1 && url.includes('/api/') ? { status: 502 } : undefined);
  await fetchSet();
  expect(hub.requests.filter(({ url }) => url.startsWith('/api/'))).toHaveLength(4);
});

test('reports progress that adds up to the total', async () => {
  let last = { bytes: 0, total: 0, states: new Set<string>() };
  await fetchSet({
    onProgress: ({ bytes, total, files }) => {
      last = { bytes, total, states: new Set(files.map(({ state }) => state)) };
    },
  });
  const gemma = [...(hub.repos.get(gemmaFiles)?.files.values() ?? [])].reduce((sum, { length }) => sum + length, 0);
  const ltx = [bundleName, 'ltx-2-spatial-upscaler-x2-1.0.safetensors'].map(
    (name) => contentOf('Lightricks/LTX-2', name).length,
  );
  expect(last.total).toBe(ltx.reduce((sum, length) => sum + length, gemma));
  expect(last.bytes).toBe(last.total);
  expect(last.states).toEqual(new Set(['done']));
});

test('a failed file stops the others, whose parts stay', async () => {
  hub.fault = (file) => (file === bundleName ? { status: 500 } : undefined);
  await expect(fetchSet()).rejects.toThrow(`fetching ${bundleName} failed`);
  hub.fault = () => undefined;
  hub.served.clear();
  await fetchSet();
  expect([...hub.served.keys()]).toEqual([bundleName]);
});

test('an older complete snapshot serves while a newer one is incomplete', async () => {
  const { bundle } = await fetchSet();
  const folder = dirname(dirname(dirname(bundle)));
  const newer = 'f'.repeat(40);
  await mkdir(join(folder, 'snapshots', newer));
  await writeFile(join(folder, 'refs', 'main'), newer);
  expect((await resolveWeights(weightSetId, { env })).bundle).toBe(bundle);
});

test('two processes that fetch the same set transfer every file once', async () => {
  addWeights(hub, 4_000_000);
  hub.fault = (file) => (file === bundleName ? { delay: 200 } : undefined);
  const module = new URL('./fetch-weights.ts', import.meta.url).href;
  const script = `const { fetchWeights } = await import('${module}'); console.log((await fetchWeights('${weightSetId}')).bundle);`;
  const run = () =>
    promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      env: { ...process.env, ...env },
    });
  const [first, second] = await Promise.all([run(), run()]);
  expect(first.stdout).toBe(second.stdout);
  expect(first.stderr + second.stderr).toBe('');
  expect((await readFile(first.stdout.trim())).equals(contentOf('Lightricks/LTX-2', bundleName))).toBe(true);
  for (const [file, bytes] of hub.served) {
    const size = [...hub.repos.values()]
      .map(({ files }) => files.get(file)?.length)
      .find((length) => length !== undefined);
    expect(bytes, file).toBe(size);
  }
});

test('the next process goes on when one is killed in the middle', async () => {
  addWeights(hub, 4_000_000);
  hub.fault = (file, count) => (file === bundleName && count === 1 ? { stallAfter: 2_000_000 } : undefined);
  const module = new URL('./fetch-weights.ts', import.meta.url).href;
  const script = `const { fetchWeights } = await import('${module}');
    let told = false;
    await fetchWeights('${weightSetId}', { onProgress: ({ files }) => {
      if (!told && files.some((file) => file.bytes > 1_000_000)) console.log('half'), (told = true);
    } });`;
  const child = execFile(process.execPath, ['--input-type=module', '--eval', script], {
    env: { ...process.env, ...env },
  });
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exited;
  const { bundle } = await fetchSet();
  expect((await readFile(bundle)).equals(contentOf('Lightricks/LTX-2', bundleName))).toBe(true);
  const range = hub.requestsFor(bundleName).findLast(({ server }) => server === 'cdn')?.range;
  expect(Number(range?.slice('bytes='.length, -1))).toBeGreaterThan(1_000_000);
});
