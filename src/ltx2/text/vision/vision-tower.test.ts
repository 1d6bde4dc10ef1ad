import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { gemmaPath } from '../../../../test/support/parity-checkpoint.ts';
import { seeingGemmaPath } from '../../../../test/support/seeing-encoder.ts';
import { graphTargets } from '../../../graph/graph-target.ts';
import { networkGraph } from '../../../graph/network.ts';
import { storedTensor } from '../../../graph/weights/checkpoint.ts';
import type { StoredTensor } from '../../../graph/weights/safetensors.ts';
import { type GemmaFolder, openTextEncoder } from '../gemma/gemma-folder.ts';
import { resizeBilinear } from './bilinear-resize.ts';
import { picturePixels } from './picture-pixels.ts';
import { pictureFeatures, type VisionTower, visionTower, visionTowerOf } from './vision-tower.ts';

// Values are compared in test/parity.test.ts.

const image = { rgb: Uint8Array.from({ length: 40 * 30 * 3 }, (_, at) => (at * 7) % 256), width: 40, height: 30 };

/** The folder with other settings. */
async function folderWith(file: string, settings: object): Promise<GemmaFolder> {
  const copy = await mkdtemp(join(tmpdir(), 'soundstage-vision-'));
  onTestFinished(() => rm(copy, { recursive: true }));
  await cp(seeingGemmaPath, copy, { recursive: true });
  const path = join(copy, file);
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...settings }));
  return await openTextEncoder(copy);
}

function towerOf(folder: GemmaFolder): VisionTower {
  const tower = visionTowerOf(folder);
  if (tower === undefined) throw new Error('there is no tower');
  return tower;
}

test('a folder without vision weights has no tower, whatever its configuration says', async () => {
  expect(visionTowerOf(await openTextEncoder(gemmaPath))).toBeUndefined();
});

test.for(['model.vision_tower.vision_model.', 'model.vision_tower.'])('weights under %s are found', async (prefix) => {
  const folder = await openTextEncoder(seeingGemmaPath);
  const renamed = [...folder.checkpoint.tensors].map(([key, tensor]): [string, StoredTensor] => [
    key.replace('vision_tower.vision_model.', prefix).replace(/^multi_modal/, 'model.multi_modal'),
    tensor,
  ]);
  const moved = { ...folder, checkpoint: { ...folder.checkpoint, tensors: new Map(renamed) } };
  const pixels = await picturePixels(towerOf(folder), image);
  const features = await pictureFeatures(towerOf(moved), pixels, graphTargets.cpu);
  expect(features).toEqual(await pictureFeatures(towerOf(folder), pixels, graphTargets.cpu));
});

test('settings that are not implemented are refused by name', async () => {
  const gelu = await folderWith('config.json', { vision_config: { hidden_act: 'gelu' } });
  expect(() => visionTowerOf(gelu)).toThrow('vision.hidden_act');
  const odd = await folderWith('config.json', { mm_tokens_per_image: 9 });
  expect(() => visionTowerOf(odd)).toThrow(/makes 9 tokens of 32 pixels in patches of 4/);
  const cubic = await folderWith('preprocessor_config.json', { resample: 3 });
  await expect(picturePixels(towerOf(cubic), image)).rejects.toThrow('picture.resample');
  const large = await folderWith('preprocessor_config.json', { size: { width: 64, height: 64 } });
  await expect(picturePixels(towerOf(large), image)).rejects.toThrow('asks for pictures of 64×64');
});

test('what preprocessor_config.json leaves out is as transformers has it, and what it says is used', async () => {
  const tower = towerOf(await openTextEncoder(seeingGemmaPath));
  const { data } = await picturePixels(tower, image);
  const bare = await folderWith('preprocessor_config.json', {});
  await rm(join(bare.path, 'preprocessor_config.json'));
  expect((await picturePixels(towerOf(bare), image)).data).toEqual(data);
  const shifted = await folderWith('preprocessor_config.json', {
    image_mean: [0, 0.5, 0.5],
    image_std: [1, 0.5, 0.25],
  });
  const other = (await picturePixels(towerOf(shifted), image)).data;
  const plane = data.length / 3;
  for (const at of [0, 100, plane - 1]) {
    expect(other[at]).toBeCloseTo((data[at] ?? 0) / 2 + 0.5, 6);
    expect(other[plane + at]).toBe(data[plane + at]);
    expect(other[2 * plane + at]).toBeCloseTo(2 * (data[2 * plane + at] ?? 0), 6);
  }
});

test('pictures of one pixel and of thin strips are resized', () => {
  const one = { rgb: Uint8Array.of(10, 20, 30), width: 1, height: 1 };
  expect(resizeBilinear(one, 2, 3).rgb).toEqual(Uint8Array.from({ length: 18 }, (_, at) => 10 * ((at % 3) + 1)));
  const strip = { rgb: new Uint8Array(3 * 5000).fill(255), width: 5000, height: 1 };
  expect(new Set(resizeBilinear(strip, 4, 4).rgb)).toEqual(new Set([255]));
});

test('a missing weight is named', async () => {
  const folder = await openTextEncoder(seeingGemmaPath);
  const name = 'multi_modal_projector.mm_input_projection_weight';
  const tensors = new Map(folder.checkpoint.tensors);
  expect(storedTensor(folder.checkpoint, name).shape).toEqual([32, 48]);
  tensors.delete(name);
  const tower = towerOf({ ...folder, checkpoint: { ...folder.checkpoint, tensors } });
  const build = () => networkGraph(visionTower, graphTargets.cpu, tower.folder.checkpoint, tower);
  expect(build).toThrow(expect.objectContaining({ kind: 'weights', message: expect.stringContaining(name) }));
});
