import { mkdtemp, open, readFile, realpath, rm, truncate, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { elementAt } from '../shared/element-at.ts';
import { checkWeights } from './check-weights.ts';
import { fetchWeights } from './download/fetch-weights.ts';
import { TestHub } from './hub.test-support.ts';
import { safetensorsExtent } from './safetensors-extent.ts';
import type { WeightSet } from './weight-folder.ts';
import { addWeights } from './weights.test-support.ts';
import { overviewOfWeights } from './weights-overview.ts';

const weightSetId = 'ltx-2-19b-distilled';

let hub: TestHub;
let cache: string;
let env: NodeJS.ProcessEnv;
let set: WeightSet;

beforeEach(async () => {
  hub = await TestHub.start();
  addWeights(hub);
  cache = await mkdtemp(join(tmpdir(), 'soundstage-check-'));
  env = { HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: cache, HF_HOME: cache };
  set = await fetchWeights(weightSetId, { env, cameras: ['dolly_in'] });
});

afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await rm(cache, { recursive: true });
});

async function flipByte(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  const byte = new Uint8Array(1);
  await file.read(byte, 0, 1, 1500);
  await file.write(new Uint8Array([elementAt(byte, 0) ^ 1]), 0, 1, 1500);
}

const states = async (): Promise<Record<string, string>> =>
  Object.fromEntries((await checkWeights(weightSetId, { env })).map(({ name, state }) => [name, state]));

test('everything fetched is ok, camera LoRAs included', async () => {
  const checks = await checkWeights(weightSetId, { env });
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
  await checkWeights(weightSetId, { env, removeDamaged: true });
  await expect(readFile(blob)).rejects.toMatchObject({ code: 'ENOENT' });
  await fetchWeights(weightSetId, { env });
  expect(new Set(Object.values(await states()))).toEqual(new Set(['ok']));
});

test('tells present, partial and missing sets apart', async () => {
  const stateOf = async (options: { env: NodeJS.ProcessEnv }): Promise<Record<string, string>> =>
    Object.fromEntries((await overviewOfWeights(options)).map(({ id, state }) => [id, state]));
  expect(await stateOf({ env })).toMatchObject({ [weightSetId]: 'present', 'ltx-2-19b-distilled-fp8': 'partial' });
  const empty = { ...env, HF_HUB_CACHE: join(cache, 'empty') };
  expect(await stateOf({ env: empty })).toMatchObject({ [weightSetId]: 'missing' });
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
