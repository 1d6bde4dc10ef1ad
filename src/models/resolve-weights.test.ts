import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cameraMoves } from './camera-moves.ts';
import { resolveWeights } from './resolve-weights.ts';
import { readLaidOutFolder } from './weight-folder.ts';
import { weightSets } from './weight-sets.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'soundstage-weights-'));
  await mkdir(join(folder, 'gemma'));
  for (const name of ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors']) {
    await writeFile(join(folder, 'gemma', name), '{}');
  }
  await writeFile(join(folder, 'mine.safetensors'), '');
  await writeFile(join(folder, 'my-spatial-upscaler.safetensors'), '');
});

afterEach(() => rm(folder, { recursive: true }));

test('finds the files in a folder of the user', async () => {
  await writeFile(join(folder, 'style-lora.safetensors'), '');
  await writeFile(join(folder, 'ltx-2-19b-lora-camera-control-jib-up.safetensors'), '');
  const set = await resolveWeights(folder);
  expect(set).toMatchObject({
    bundle: join(folder, 'mine.safetensors'),
    upscaler: join(folder, 'my-spatial-upscaler.safetensors'),
    textEncoder: join(folder, 'gemma'),
    cameraLoras: { jib_up: join(folder, 'ltx-2-19b-lora-camera-control-jib-up.safetensors') },
  });
  expect(Object.isFrozen(set) && Object.isFrozen(set.cameraLoras)).toBe(true);
});

test('names what a folder lacks or has twice', async () => {
  await copyFile(join(folder, 'mine.safetensors'), join(folder, 'other.safetensors'));
  await expect(resolveWeights(folder)).rejects.toThrow(/more than one bundle.*mine.safetensors and other.safetensors/);
  await rm(join(folder, 'other.safetensors'));
  await rm(join(folder, 'gemma', 'tokenizer.json'));
  await expect(resolveWeights(folder)).rejects.toMatchObject({
    kind: 'weights',
    message: expect.stringContaining('gemma/tokenizer.json'),
  });
  await rm(join(folder, 'my-spatial-upscaler.safetensors'));
  await writeFile(join(folder, 'ltx-2-temporal-upscaler-x2-1.0.safetensors'), '');
  await expect(resolveWeights(folder)).rejects.toThrow(/no upscaler/);
  await expect(resolveWeights(join(folder, 'nowhere'))).rejects.toMatchObject({ kind: 'weights' });
});

/** What the repository of the released bundles has in its main folder, camera LoRAs and the tools' own files. */
const besideTheWanted = [
  'ltx-2-19b-dev.safetensors',
  'ltx-2-19b-dev-fp4.safetensors',
  'ltx-2-19b-dev-fp8.safetensors',
  'ltx-2-19b-distilled-lora-384.safetensors',
  'ltx-2-temporal-upscaler-x2-1.0.safetensors',
  'ltx-2-19b-lora-camera-control-static.safetensors',
  'LTX2_camera_control_dolly_in.safetensors',
  'camera-control-orbit.safetensors',
  'ltx-2-19b-ic-lora-detailer.safetensors',
  '._ltx-2-19b-distilled.safetensors',
  'ltx-2-19b-distilled.safetensors.index.json',
  'ltx-2-19b-distilled.safetensors.incomplete',
  'README.md',
  'model_index.json',
];

test('a folder that also holds the temporal upscaler, the dev bundles and LoRAs is no riddle', async () => {
  await rm(join(folder, 'mine.safetensors'));
  const wanted = ['ltx-2-19b-distilled.safetensors', 'ltx-2-spatial-upscaler-x2-1.0.safetensors'];
  await rm(join(folder, 'my-spatial-upscaler.safetensors'));
  for (const name of [...wanted, ...besideTheWanted]) await writeFile(join(folder, name), '');
  const moves = {
    static: 'ltx-2-19b-lora-camera-control-static.safetensors',
    dolly_in: 'LTX2_camera_control_dolly_in.safetensors',
  };
  expect(await resolveWeights(folder)).toMatchObject({
    bundle: join(folder, 'ltx-2-19b-distilled.safetensors'),
    upscaler: join(folder, 'ltx-2-spatial-upscaler-x2-1.0.safetensors'),
    cameraLoras: { static: join(folder, moves.static), dolly_in: join(folder, moves.dolly_in) },
  });
  await writeFile(join(folder, 'ltx-2-19b-distilled-fp8.safetensors'), '');
  await expect(resolveWeights(folder)).rejects.toThrow(
    'ltx-2-19b-distilled-fp8.safetensors and ltx-2-19b-distilled.safetensors: keep only one there',
  );
});

test('looks for the shards that the index of a folder lists', async () => {
  const index = { weight_map: { a: 'model-1.safetensors', b: 'model-2.safetensors' } };
  await writeFile(join(folder, 'gemma', 'model.safetensors.index.json'), JSON.stringify(index));
  await writeFile(join(folder, 'gemma', 'model-1.safetensors'), '');
  await expect(resolveWeights(folder)).rejects.toThrow(/model-2.safetensors/);
});

test('a camera move that a folder has no LoRA for is an error', async () => {
  await expect(resolveWeights(folder, { cameras: ['static'] })).rejects.toMatchObject({ kind: 'weights' });
});

test('a misspelt id lists the known ones', async () => {
  await expect(resolveWeights('ltx-2')).rejects.toMatchObject({
    kind: 'input',
    field: 'model',
    message: expect.stringContaining('ltx-2-19b-distilled-fp8'),
  });
});

test('what is missing comes with the command that fetches it', async () => {
  await expect(resolveWeights('ltx-2-19b-distilled', { cache: folder, env: {} })).rejects.toThrow(
    `soundstage models fetch ltx-2-19b-distilled --cache "${folder}"`,
  );
});

test('an embedded set is read by its own file names', async () => {
  const nano = weightSets.find(({ id }) => id === 'nano');
  if (nano?.kind !== 'embedded') throw new Error('nano is embedded');
  await copyFile(join(folder, 'mine.safetensors'), join(folder, nano.bundle));
  await copyFile(join(folder, 'mine.safetensors'), join(folder, nano.upscaler));
  expect(await readLaidOutFolder('nano', folder, nano)).toMatchObject({
    id: 'nano',
    bundle: join(folder, nano.bundle),
  });
});

test('nano resolves to complete weights', async () => {
  const nano = await resolveWeights('nano');
  expect(nano.id).toBe('nano');
  expect(nano.bundle).toMatch(/models\/nano\/ltx-2-nano-distilled\.safetensors$/);
  expect(Object.keys(nano.cameraLoras).sort()).toEqual([...cameraMoves].sort());
});
