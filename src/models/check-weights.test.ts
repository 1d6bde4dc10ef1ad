import { mkdtemp, open, readFile, realpath, rm, truncate, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkWeights } from './check-weights.ts';
import { fetchWeights } from './fetch-weights.ts';
import { safetensorsExtent } from './safetensors-extent.ts';
import { TestHub } from './test-hub.ts';
import { addWeights } from './test-weights.ts';
import type { WeightSet } from './weight-folder.ts';
import { overviewOfWeights } from './weights-overview.ts';

const ID = 'ltx-2-19b-distilled';

let hub: TestHub;
let cache: string;
let env: NodeJS.ProcessEnv;
let set: WeightSet;

beforeEach(async () => {
  hub = await TestHub.start();
  addWeights(hub);
  cache = await mkdtemp(join(tmpdir(), 'soundstage-check-'));
  env = { HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: cache, HF_HOME: cache };
  set = await fetchWeights(ID, { env, cameras: ['dolly_in'] });
});

afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await rm(cache, { recursive: true });
});

async function flipByte(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  const byte = new Uint8Array(1);
  await file.read(byte, 0, 1, 1500);
  await file.write(new Uint8Array([(byte[0] ?? 0) ^ 1]), 0, 1, 1500);
}

const states = async (): Promise<Record<string, string>> =>
  Object.fromEntries((await checkWeights(ID, { env })).map(({ name, state }) => [name, state]));

test('everything fetched is ok, camera LoRAs included', async () => {
  const checks = await checkWeights(ID, { env });
  expect(checks).toHaveLength(10);
  expect(new Set(checks.map(({ state }) => state))).toEqual(new Set(['ok']));
});

test('finds a flipped bit and a missing file, and a fetch mends both', async () => {
  await flipByte(set.bundle);
  await unlink(join(set.textEncoder, 'config.json'));
  const found = await states();
  expect(found['ltx-2-19b-distilled.safetensors']).toBe('damaged');
  expect(found['config.json']).toBe('missing');
  expect(Object.values(found).filter((state) => state !== 'ok')).toHaveLength(2);

  const blob = await realpath(set.bundle);
  await checkWeights(ID, { env, removeDamaged: true });
  await expect(readFile(blob)).rejects.toMatchObject({ code: 'ENOENT' });
  await fetchWeights(ID, { env });
  expect(new Set(Object.values(await states()))).toEqual(new Set(['ok']));
});

test('tells present, partial and missing sets apart', async () => {
  const stateOf = async (options: { env: NodeJS.ProcessEnv }): Promise<Record<string, string>> =>
    Object.fromEntries((await overviewOfWeights(options)).map(({ id, state }) => [id, state]));
  expect(await stateOf({ env })).toMatchObject({ [ID]: 'present', 'ltx-2-19b-distilled-fp8': 'partial' });
  const empty = { ...env, HF_HUB_CACHE: join(cache, 'empty') };
  expect(await stateOf({ env: empty })).toMatchObject({ [ID]: 'missing' });
});

test('a safetensors file without a known hash must have the length its header demands', async () => {
  const path = await realpath(set.upscaler);
  const { length } = await readFile(path);
  expect(await safetensorsExtent(path)).toBe(length);
  await truncate(path, length - 10);
  expect(await safetensorsExtent(path)).toBe(length);
  await truncate(path, 30);
  expect(await safetensorsExtent(path)).toBeUndefined();
});
