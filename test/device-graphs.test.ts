import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { referenceTransformer } from '../src/cli/parity/reference-transformer.ts';
import { rgbVideoDecoder } from '../src/cli/parity/rgb-video-decoder.ts';
import { bytesPerElement } from '../src/graph/element-type.ts';
import type { GraphModel } from '../src/graph/graph-model.ts';
import { type GraphTarget, graphTargets } from '../src/graph/graph-target.ts';
import { networkGraph } from '../src/graph/network.ts';
import { floatTensor } from '../src/graph/runtime/host-tensor.ts';
import { floats, runOnce, Session } from '../src/graph/runtime/session.ts';
import { joinCheckpoints, openCheckpoint } from '../src/graph/weights/checkpoint.ts';
import { writeSafetensors } from '../src/graph/weights/safetensors-writer.ts';
import { type AdaptableModules, adaptableModules } from '../src/ltx2/adaptable-modules.ts';
import { configOf, upsamplerConfigOf } from '../src/ltx2/config.ts';
import { mappedAdapters } from '../src/ltx2/lora/adapters.ts';
import { readLora } from '../src/ltx2/lora/lora.ts';
import { seededNormals } from '../src/ltx2/sampling/noise.ts';
import { textContext } from '../src/ltx2/text/context/text-context.ts';
import { openTextEncoder } from '../src/ltx2/text/gemma/gemma-folder.ts';
import { languageModel } from '../src/ltx2/text/gemma/language-model-network.ts';
import { type TransformerForm, transformer, transformerConfigOf } from '../src/ltx2/transformer/transformer.ts';
import { latentUpsampler } from '../src/ltx2/video/latent-upsampler.ts';
import { videoDecoder } from '../src/ltx2/video/video-decoder.ts';
import { videoEncoder } from '../src/ltx2/video/video-encoder.ts';
import { bundlePath, fp8BundlePath, gemmaPath, upscalerPath } from './support/parity-checkpoint.ts';

const [bundle, fp8, upscaler] = await Promise.all([bundlePath, fp8BundlePath, upscalerPath].map(openCheckpoint));
const encoder = await openTextEncoder(gemmaPath);
if (bundle === undefined || fp8 === undefined || upscaler === undefined) throw new Error('unreachable');
const config = transformerConfigOf(bundle);
const folder = await mkdtemp(join(tmpdir(), 'soundstage-device-graphs-'));
afterAll(() => rm(folder, { recursive: true }));
const loras = [{ lora: await loraOfEveryKind(adaptableModules(bundle)), strength: 0.5 }];
const general: TransformerForm = { config, perToken: { video: true, audio: true } };

const textConfig = { encoder, transformer: config, length: 1024 };
const textWeights = joinCheckpoints(encoder.checkpoint, bundle);

const networks: readonly [name: string, build: (target: GraphTarget) => GraphModel][] = [
  ['transformer', (target) => networkGraph(transformer, target, bundle, general)],
  [
    'transformer with LoRAs of every kind',
    (target) => networkGraph(transformer, target, bundle, general, mappedAdapters(loras)),
  ],
  [
    'text contexts with LoRAs of every kind',
    (target) => networkGraph(textContext, target, textWeights, textConfig, mappedAdapters(loras)),
  ],
  ['transformer, fp8 weights', (target) => networkGraph(transformer, target, fp8, general)],
  [
    'transformer, cross',
    (target) => networkGraph(referenceTransformer, target, bundle, { ...general, variant: 'cross' }),
  ],
  ['transformer with guidance', (target) => networkGraph(transformer, target, bundle, { ...general, guidance: true })],
  [
    'transformer, recording',
    (target) => networkGraph(transformer, target, bundle, { ...general, residuals: 'record' }),
  ],
  [
    'transformer, replaying',
    (target) => networkGraph(transformer, target, bundle, { ...general, residuals: 'replay' }),
  ],
  ['video decoder', (target) => networkGraph(videoDecoder, target, bundle, configOf(bundle, 'vae'))],
  ['video decoder to bytes', (target) => networkGraph(rgbVideoDecoder, target, bundle, configOf(bundle, 'vae'))],
  ['video encoder', (target) => networkGraph(videoEncoder, target, bundle, configOf(bundle, 'vae'))],
  [
    'latent upsampler',
    (target) => networkGraph(latentUpsampler, target, joinCheckpoints(upscaler, bundle), upsamplerConfigOf(upscaler)),
  ],
  ['text contexts', (target) => networkGraph(textContext, target, textWeights, textConfig)],
  ['language model', (target) => networkGraph(languageModel, target, encoder.checkpoint, encoder)],
];

test.for(networks)('the bf16 form of the %s passes the type and shape inference of the runtime', async ([, build]) => {
  // On the CPU only the kernels are missing; they are looked for after the graph is found to be valid.
  const opened = Session.open({ ...build(graphTargets.cuda), target: graphTargets.cpu });
  await expect(opened).rejects.toThrow('Could not find an implementation');
});

test.for(networks)('the f16 form of the %s has the same inputs and outputs as the one for the CPU', ([, build]) => {
  const edges = ({ inputs, outputs }: GraphModel) =>
    [...inputs, ...outputs].map(({ name, dtype, shape }) => `${name} ${dtype} ${shape}`);
  expect(edges(build(graphTargets.webgpu))).toEqual(edges(build(graphTargets.cpu)));
});

test('the f16 form of the video decoder computes the same within its precision', async () => {
  const latent = floatTensor(seededNormals(1, 0, 4 * 2 * 2 * 3), [1, 4, 2, 2, 3]);
  const decode = async (device: 'cpu' | 'webgpu'): Promise<Float32Array> => {
    const model = {
      ...networkGraph(videoDecoder, graphTargets[device], bundle, configOf(bundle, 'vae')),
      target: graphTargets.cpu,
    };
    return floats(await runOnce(model, { latent }), 'video').data;
  };
  const [exact, half] = [await decode('cpu'), await decode('webgpu')];
  const square = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);
  const difference = exact.map((value, at) => value - (half[at] as number));
  expect(Math.sqrt(square(difference) / square(exact))).toBeLessThan(0.02);
  expect(square(difference)).toBeGreaterThan(0);
});

/** Changes every module, each in the next way, by zeros in the next type of number. */
async function loraOfEveryKind(modules: AdaptableModules) {
  const types = ['float8e5m2', 'float8e4m3', 'float64', 'float16', 'bfloat16', 'float32'] as const;
  const tensors: Parameters<typeof writeSafetensors>[1][number][] = [];
  const add = (name: string, ...shape: number[]): void => {
    const dtype = types[tensors.length % types.length] ?? 'float32';
    const length = shape.reduce((product, side) => product * side, bytesPerElement(dtype));
    tensors.push({ name, dtype, shape, bytes: () => new Uint8Array(length) });
  };
  const pair = (module: string, outputs: number, inputs: number): void => {
    add(`${module}.lora_A.weight`, 2, inputs);
    add(`${module}.lora_B.weight`, outputs, 2);
  };
  const kinds: readonly ((module: string, outputs: number, inputs: number) => void)[] = [
    pair,
    (module, outputs, inputs) => {
      pair(module, outputs, inputs);
      add(`${module}.lora_B.bias`, outputs);
    },
    (module, outputs, inputs) => {
      pair(module, outputs, inputs);
      add(`${module}.dora_scale`, outputs, 1);
    },
    (module, outputs, inputs) => {
      for (const factor of ['w1', 'w2']) {
        add(`${module}.hada_${factor}_a`, outputs, 2);
        add(`${module}.hada_${factor}_b`, 2, inputs);
      }
    },
    (module, outputs, inputs) => {
      add(`${module}.lokr_w1`, 2, 2);
      add(`${module}.lokr_w2`, outputs / 2, inputs / 2);
    },
    (module, outputs, inputs) => {
      add(`${module}.diff`, outputs, inputs);
      add(`${module}.diff_b`, outputs);
    },
  ];
  let next = 0;
  for (const [module, { shape, isLinear }] of modules) {
    const [outputs = 0, inputs = 0] = shape;
    if (isLinear) kinds[next++ % kinds.length]?.(module, outputs, inputs);
    else add(`${module}.diff`, ...shape);
  }
  const path = join(folder, 'every-kind.safetensors');
  await writeSafetensors(path, tensors);
  const lora = await readLora(path, modules);
  expect(lora.problem).toBeUndefined();
  return lora;
}
