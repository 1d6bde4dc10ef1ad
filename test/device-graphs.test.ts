import { expect, test } from 'vitest';
import type { GraphModel } from '../src/graph/graph-core.ts';
import { graphTargets } from '../src/graph/graph-target.ts';
import { floatTensor } from '../src/graph/host-tensor.ts';
import { floats, runOnce, Session } from '../src/graph/session.ts';
import { openCheckpoint } from '../src/ltx2/checkpoint.ts';
import { inputAdapters } from '../src/ltx2/lora-adapters.ts';
import { seededNormals } from '../src/ltx2/noise.ts';
import { openTextEncoder } from '../src/ltx2/text/gemma-folder.ts';
import { languageModelGraph } from '../src/ltx2/text/language-model-graph.ts';
import { textContextGraph } from '../src/ltx2/text/text-context.ts';
import { type TransformerOptions, transformerConfigOf, transformerGraph } from '../src/ltx2/transformer/transformer.ts';
import { buildLatentUpsampler } from '../src/ltx2/video/latent-upsampler.ts';
import { buildVideoDecoder } from '../src/ltx2/video/video-decoder.ts';
import { buildVideoEncoder } from '../src/ltx2/video/video-encoder.ts';
import { bundlePath, fp8BundlePath, gemmaPath, upscalerPath } from './support/parity-checkpoint.ts';

const [bundle, fp8, upscaler] = await Promise.all([bundlePath, fp8BundlePath, upscalerPath].map(openCheckpoint));
const encoder = await openTextEncoder(gemmaPath);
if (bundle === undefined || fp8 === undefined || upscaler === undefined) throw new Error('unreachable');
const config = transformerConfigOf(bundle);
const target = graphTargets.cuda;
const general: TransformerOptions = { variant: 'own', perToken: { video: true, audio: true } };

const cudaGraphs: readonly [name: string, build: () => GraphModel][] = [
  ['transformer with LoRA inputs', () => transformerGraph(bundle, target, { ...general, adapters: inputAdapters() })],
  ['transformer, fp8 weights', () => transformerGraph(fp8, target, general)],
  ['transformer, cross', () => transformerGraph(bundle, target, { ...general, variant: 'cross' })],
  ['transformer with guidance', () => transformerGraph(bundle, target, { ...general, guidance: true })],
  ['transformer, recording', () => transformerGraph(bundle, target, { ...general, residuals: 'record' })],
  ['transformer, replaying', () => transformerGraph(bundle, target, { ...general, residuals: 'replay' })],
  ['video decoder', () => buildVideoDecoder(bundle, target, 'planar')],
  ['video decoder to bytes', () => buildVideoDecoder(bundle, target, 'rgb24')],
  ['video encoder', () => buildVideoEncoder(bundle, target)],
  ['latent upsampler', () => buildLatentUpsampler(upscaler, bundle, target)],
  ['text contexts', () => textContextGraph(target, { encoder, bundle, config }, 1024)],
  ['language model', () => languageModelGraph(target, encoder)],
];

test.for(cudaGraphs)(
  'the bf16 form of the %s passes the type and shape inference of the runtime',
  async ([, build]) => {
    // On the CPU only the kernels are missing; they are looked for after the graph is found to be valid.
    const opened = Session.open({ ...build(), target: graphTargets.cpu });
    await expect(opened).rejects.toThrow('Could not find an implementation');
  },
);

test('the f16 form of the video decoder computes the same within its precision', async () => {
  const latent = floatTensor(seededNormals(1, 0, 4 * 2 * 2 * 3), [1, 4, 2, 2, 3]);
  const decode = async (device: 'cpu' | 'webgpu'): Promise<Float32Array> => {
    const model = { ...buildVideoDecoder(bundle, graphTargets[device], 'planar'), target: graphTargets.cpu };
    return floats(await runOnce(model, { latent }), 'video').data;
  };
  const [exact, half] = [await decode('cpu'), await decode('webgpu')];
  const square = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);
  const difference = exact.map((value, at) => value - (half[at] as number));
  expect(Math.sqrt(square(difference) / square(exact))).toBeLessThan(0.02);
  expect(square(difference)).toBeGreaterThan(0);
});
