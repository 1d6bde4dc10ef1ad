import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkWeights } from './check-weights.ts';
import { randomSafetensors, TestHub } from './hub.test-support.ts';
import { fetchSafetyModel, findSafetyModel, safetyModel } from './safety-model.ts';
import { overviewOfWeights } from './weights-overview.ts';

let hub: TestHub;
let cache: string;

beforeEach(async () => {
  hub = await TestHub.start();
  hub.add(safetyModel.files.repo, {
    'config.json': '{}',
    'preprocessor_config.json': '{}',
    'model.safetensors': randomSafetensors(5000),
    'pytorch_model.bin': 'not wanted',
  });
  cache = await mkdtemp(join(tmpdir(), 'soundstage-safety-model-'));
});

afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await rm(cache, { recursive: true });
});

test('is fetched once, listed and checked like other weights', async () => {
  const options = { cache, endpoint: hub.endpoint, env: {} };
  const state = async (): Promise<string | undefined> =>
    (await overviewOfWeights(options)).find(({ id }) => id === 'safety')?.state;
  expect(await findSafetyModel(options)).toBeUndefined();
  expect(await state()).toBe('missing');
  const folder = await fetchSafetyModel(options);
  expect(await findSafetyModel(options)).toBe(folder);
  expect(await state()).toBe('present');
  const checks = await checkWeights('safety', options);
  expect(checks.map(({ name, state: each }) => [name, each])).toEqual([
    ['config.json', 'ok'],
    ['preprocessor_config.json', 'ok'],
    ['model.safetensors', 'ok'],
  ]);
  expect(await fetchSafetyModel(options)).toBe(folder);
  expect(hub.requestsFor('model.safetensors').filter(({ server }) => server === 'cdn')).toHaveLength(1);
  expect(hub.requestsFor('pytorch_model.bin')).toHaveLength(0);
});

test('offline says what is missing and how to get it', async () => {
  const options = { cache, endpoint: hub.endpoint, offline: true, env: {} };
  await expect(fetchSafetyModel(options)).rejects.toMatchObject({
    kind: 'weights',
    message: expect.stringMatching(/config\.json.*soundstage models fetch safety/),
  });
  expect(hub.requests).toHaveLength(0);
});
