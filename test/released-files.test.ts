import { createHash } from 'node:crypto';
import { copyFile, link, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Shapes } from '../bench/checkpoint/checkpoint-shapes.ts';
import {
  type BundlePrecision,
  releasedBundleName,
  releasedBundleShapes,
  releasedTextEncoderShapes,
  releasedUpscalerName,
  releasedUpscalerShapes,
  writeReleasedBundle,
  writeReleasedCameraLora,
  writeReleasedTextEncoder,
  writeReleasedUpscaler,
} from '../bench/checkpoint/released-files.ts';
import { type GraphTarget, graphTargets } from '../src/graph/graph-target.ts';
import { networkGraph } from '../src/graph/network.ts';
import { type Checkpoint, joinCheckpoints, openCheckpoint } from '../src/graph/weights/checkpoint.ts';
import type { StoredTensor } from '../src/graph/weights/safetensors.ts';
import { adaptableModules } from '../src/ltx2/adaptable-modules.ts';
import { audioDecoder } from '../src/ltx2/audio/audio-decoder.ts';
import { audioEncoder } from '../src/ltx2/audio/audio-encoder.ts';
import { audioVaeConfigOf } from '../src/ltx2/audio/audio-latents.ts';
import { vocoder, vocoderConfigOf } from '../src/ltx2/audio/vocoder.ts';
import { configOf, upsamplerConfigOf } from '../src/ltx2/config.ts';
import { mappedAdapters } from '../src/ltx2/lora/adapters.ts';
import { type AppliedLora, readLora } from '../src/ltx2/lora/lora.ts';
import { textContext } from '../src/ltx2/text/context/text-context.ts';
import { openTextEncoder } from '../src/ltx2/text/gemma/gemma-folder.ts';
import { languageModel, seeingLanguageModel } from '../src/ltx2/text/gemma/language-model-network.ts';
import { visionTower, visionTowerOf } from '../src/ltx2/text/vision/vision-tower.ts';
import { transformer, transformerConfigOf } from '../src/ltx2/transformer/transformer.ts';
import { latentUpsampler } from '../src/ltx2/video/latent-upsampler.ts';
import { videoDecoder } from '../src/ltx2/video/video-decoder.ts';
import { videoEncoder } from '../src/ltx2/video/video-encoder.ts';
import { resolveWeights } from '../src/models/resolve-weights.ts';
import type { WeightSet } from '../src/models/weight-folder.ts';
import { weightSet } from '../src/models/weight-sets.ts';
import { gemmaPath } from './support/parity-checkpoint.ts';

const precisions: readonly BundlePrecision[] = ['bf16', 'fp8'];
const staticLoraName = 'ltx-2-19b-lora-camera-control-static.safetensors';
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'soundstage-released-'));
  const files = join(root, 'files');
  await mkdir(files);
  for (const precision of precisions) await writeReleasedBundle(files, precision);
  await writeReleasedUpscaler(files);
  for (const move of ['dolly-left', 'static'] as const) await writeReleasedCameraLora(files, move);
  await writeReleasedTextEncoder(join(files, 'gemma'));
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    await copyFile(join(gemmaPath, name), join(files, 'gemma', name));
});

afterAll(() => rm(root, { recursive: true }));

/**
 * DiffSynth-Studio recognizes files by these (`diffsynth/configs/model_configs.py`). Its bundle is the dev one, from which the
 * distilled one differs in values.
 */
test.for<[string, Shapes, string]>([
  ['the bundle', releasedBundleShapes(), 'aca7b0bbf8415e9c98360750268915fc'],
  ['the upscaler', releasedUpscalerShapes(), 'c79c458c6e99e0e14d47e676761732d2'],
  ['the text encoder', releasedTextEncoderShapes(), '33917f31c4a79196171154cca39f165e'],
])('names and shapes of %s are those of the released file', ([, shapes, published]) => {
  const lines = Object.entries(shapes).flatMap(([name, shape]) => [name, `${name}:${shape.join('_')}`]);
  expect(createHash('md5').update(lines.sort().join(',')).digest('hex')).toBe(published);
});

test('the files have the sizes of the released ones and take next to no room', async () => {
  const sizes: Record<string, number> = {};
  let blocks = 0;
  for (const entry of await readdir(join(root, 'files'), { recursive: true })) {
    if (!entry.endsWith('.safetensors')) continue;
    const found = await stat(join(root, 'files', entry));
    sizes[entry] = Number((found.size / 1e9).toFixed(2));
    blocks += found.blocks;
  }
  const { bf16, fp8 } = releasedBundleName;
  expect(sizes).toMatchObject({ [bf16]: 43.29, [fp8]: 27.08, [releasedUpscalerName]: 1, [staticLoraName]: 2.21 });
  expect(blocks * 512).toBeLessThan(50e6);
});

test.for(precisions)('every network of a folder with the %s bundle is built for every device', async (precision) => {
  const set = await resolveWeights(await userFolder(precision));
  expect(set.bundle).toMatch(releasedBundleName[precision]);
  expect(Object.keys(set.cameraLoras)).toEqual(['dolly_left', 'static']);
  for (const [device, target] of Object.entries(graphTargets)) {
    const { neverRead, absent } = await buildNetworks(set, target);
    expect(neverRead, device).toEqual({
      'vae.per_channel_statistics.*': 3,
      'upsampler.blur_down.*': 1, // of scales that are not whole numbers
      ...(precision === 'fp8' ? { '*.input_scale': 1176 } : {}),
    });
    expect(absent, device).toEqual([
      '*.nin_shortcut.conv.weight',
      '*.weight_int8', // which only files of our own have
      '*.weight_int8_scales',
      '*.weight_scale',
      'language_model.*.bias',
    ]);
  }
});

test.for(precisions)('the %s set is found in the cache of the hub', async (precision) => {
  const id = precision === 'bf16' ? 'ltx-2-19b-distilled' : 'ltx-2-19b-distilled-fp8';
  const set = await resolveWeights(id, { cache: await hubCache(), env: {}, cameras: ['dolly_left', 'static'] });
  expect(set.bundle).toMatch(releasedBundleName[precision]);
  expect((await openCheckpoint(set.bundle)).tensors.size).toBe(precision === 'bf16' ? 4052 : 4052 + 2 * 1176);
  expect((await openTextEncoder(set.textEncoder)).checkpoint.tensors.size).toBe(1065);
});

test('the fp4 bundle, whose weights are packed, is refused with a word of what to use', async () => {
  const bundle = await openCheckpoint(join(root, 'files', releasedBundleName.fp8));
  const packed = [...bundle.tensors].map(([key, tensor]): [string, StoredTensor] => {
    const [outputs = 0, inputs = 0] = tensor.shape;
    return [key, tensor.dtype === 'float8e4m3' ? { ...tensor, dtype: 'uint8', shape: [outputs, inputs / 2] } : tensor];
  });
  const form = { config: transformerConfigOf(bundle), perToken: { video: true, audio: true } };
  const build = () => networkGraph(transformer, graphTargets.cpu, { ...bundle, tensors: new Map(packed) }, form);
  expect(build).toThrow(expect.objectContaining({ kind: 'weights', message: expect.stringContaining('bf16 or fp8') }));
});

/** A folder of the user's own with one bundle and what else comes along. */
async function userFolder(precision: BundlePrecision): Promise<string> {
  const folder = join(root, precision);
  await linkFiles(join(root, 'files', 'gemma'), join(folder, 'gemma'));
  await linkFiles(join(root, 'files'), folder, (name) => !Object.values(releasedBundleName).includes(name));
  await link(join(root, 'files', releasedBundleName[precision]), join(folder, releasedBundleName[precision]));
  return folder;
}

async function hubCache(): Promise<string> {
  const cache = await mkdtemp(join(root, 'cache-'));
  const set = weightSet('ltx-2-19b-distilled');
  if (set.kind !== 'hub') throw new Error('the released weights are on the hub');
  const snapshot = (repo: string) => join(cache, `models--${repo.replace('/', '--')}`, 'snapshots', '0123456789abcdef');
  await linkFiles(join(root, 'files'), snapshot(set.bundle.repo));
  await linkFiles(join(root, 'files', 'gemma'), snapshot(set.textEncoder.repo));
  for (const { repo, files } of [set.cameraLoras.dolly_left, set.cameraLoras.static])
    await linkFiles(join(root, 'files'), snapshot(repo), (name) => files.includes(name));
  return cache;
}

async function linkFiles(from: string, to: string, isWanted: (name: string) => boolean = () => true): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (entry.isFile() && isWanted(entry.name)) await link(join(from, entry.name), join(to, entry.name));
  }
}

/** What the networks did not ask for, and asked for in vain, by pattern. */
interface Reading {
  readonly neverRead: Readonly<Record<string, number>>;
  readonly absent: readonly string[];
}

async function buildNetworks(set: WeightSet, target: GraphTarget): Promise<Reading> {
  const [bundle, upscaler] = [await openCheckpoint(set.bundle), await openCheckpoint(set.upscaler)];
  const encoder = await openTextEncoder(set.textEncoder);
  const config = transformerConfigOf(bundle);
  const loras: AppliedLora[] = [];
  for (const path of Object.values(set.cameraLoras)) {
    const lora = await readLora(path, adaptableModules(bundle));
    expect(lora.problem).toBeUndefined();
    loras.push({ lora, strength: 1 });
  }
  expect(loras.map(({ lora }) => lora.changes.size)).toEqual([480, 1248]);
  const adapters = mappedAdapters(loras);

  const all = joinCheckpoints(joinCheckpoints(bundle, upscaler), encoder.checkpoint);
  const tensors = new WatchedTensors(all.tensors);
  const weights: Checkpoint = { ...all, tensors };
  const general = { config, perToken: { video: true, audio: true } };
  networkGraph(transformer, target, weights, { ...general, guidance: true }, adapters);
  networkGraph(videoEncoder, target, weights, configOf(bundle, 'vae'));
  networkGraph(videoDecoder, target, weights, configOf(bundle, 'vae'));
  networkGraph(latentUpsampler, target, weights, upsamplerConfigOf(upscaler));
  networkGraph(audioEncoder, target, weights, audioVaeConfigOf(bundle));
  networkGraph(audioDecoder, target, weights, audioVaeConfigOf(bundle));
  networkGraph(vocoder, target, weights, vocoderConfigOf(bundle));
  networkGraph(textContext, target, weights, { encoder, transformer: config, length: 1024 });
  networkGraph(languageModel, target, weights, encoder);
  networkGraph(seeingLanguageModel, target, weights, encoder);
  const tower = visionTowerOf(encoder);
  if (tower === undefined) throw new Error('the text encoder has no vision tower');
  expect(networkGraph(visionTower, target, weights, tower).outputs).toMatchObject([
    { name: 'features', shape: [256, 3840] },
  ]);
  return tensors.reading();
}

/** Keeps in mind what it was asked for. */
class WatchedTensors extends Map<string, StoredTensor> {
  readonly #read = new Set<string>();
  readonly #absent = new Set<string>();

  override has(key: string): boolean {
    if (!super.has(key)) this.#absent.add(key);
    return super.has(key);
  }

  override get(key: string): StoredTensor | undefined {
    (super.has(key) ? this.#read : this.#absent).add(key);
    return super.get(key);
  }

  reading(): Reading {
    const neverRead: Record<string, number> = {};
    for (const key of this.keys()) {
      if (this.#read.has(key)) continue;
      const pattern = patternOf(key);
      neverRead[pattern] = (neverRead[pattern] ?? 0) + 1;
    }
    return { neverRead, absent: [...new Set([...this.#absent].map(patternOf))].sort() };
  }
}

function patternOf(key: string): string {
  return key
    .replace(/^(vae\.per_channel_statistics|upsampler\.blur_down)\..*/, '$1.*')
    .replace(/^(language_model)\..*\.bias$/, '$1.*.bias')
    .replace(/.*[._](input_scale|weight_scale|weight_int8|weight_int8_scales|nin_shortcut\.conv\.weight)$/, '*.$1');
}
