import { expect, test } from 'vitest';
import { bundlePath, fp8BundlePath, loraPath } from '../../../test/support/parity-checkpoint.ts';
import { graphTargets } from '../../graph/graph-target.ts';
import { isCarried } from '../../graph/memory/graph-segment.ts';
import { drawNetwork, networkGraph } from '../../graph/network.ts';
import { floatTensor } from '../../graph/runtime/host-tensor.ts';
import { floats, runOnce } from '../../graph/runtime/session.ts';
import { openCheckpoint } from '../../graph/weights/checkpoint.ts';
import { adaptableModules } from '../adaptable-modules.ts';
import { readLora } from '../lora/lora.ts';
import { seededNormals } from '../sampling/noise.ts';
import { audioPositions, videoPositions } from '../sampling/positions.ts';
import { sinusoidWidth, timestepSinusoid } from './timestep-sinusoid.ts';
import { feedForwardParts, transformer, transformerConfigOf } from './transformer.ts';
import { drawTransformer, VelocityModel } from './velocity.ts';

const checkpoint = await openCheckpoint(bundlePath);
const perToken = { video: true, audio: true };

test.for([
  ['bf16 weights', bundlePath],
  ['fp8 weights', fp8BundlePath],
])('the CUDA form with %s has float32 edges', async ([, path]) => {
  const bundle = await openCheckpoint(path as string);
  const graph = networkGraph(transformer, graphTargets.cuda, bundle, { config: transformerConfigOf(bundle), perToken });
  expect(graph.inputs.filter(({ dtype }) => dtype !== 'float32').map(({ name }) => name)).toEqual([
    'video.timestep.index',
    'audio.timestep.index',
  ]);
  expect(graph.outputs.map(({ name, dtype, shape }) => [name, dtype, shape.map(String)])).toEqual([
    ['video.velocity', 'float32', ['Nv', '4']],
    ['audio.velocity', 'float32', ['Na', '32']],
  ]);
});

test.for(Object.values(graphTargets))('guidance and recording build for $device', (target) => {
  const form = { config: transformerConfigOf(checkpoint), perToken, guidance: true, residuals: 'record' } as const;
  const graph = networkGraph(transformer, target, checkpoint, form);
  expect(graph.outputs.map(({ name }) => name)).toContain('video.residual');
  expect(graph.inputs.map(({ name }) => name)).toContain('video.negativeContext');
});

test('a replay graph holds the first block only', () => {
  const weights = (residuals: 'record' | 'replay'): number =>
    networkGraph(transformer, graphTargets.cpu, checkpoint, {
      config: transformerConfigOf(checkpoint),

      perToken,
      residuals,
    }).weightElements;
  const laterBlocks = [...checkpoint.tensors.values()].filter(({ name }) => /transformer_blocks\.[12]\./.test(name));
  const elements = laterBlocks.reduce((sum, { length }) => sum + length / 2, 0);
  expect(weights('record') - weights('replay')).toBe(elements);
});

test('where a graph for a GPU is cut, no more than both streams crosses of all that is as long as they are', () => {
  const form = { config: transformerConfigOf(checkpoint), perToken: { video: false, audio: false }, isCut: true };
  const graph = drawNetwork(transformer, graphTargets.cuda, checkpoint, form);
  const parts = graph.partWeights().length;
  const [, second] = graph.buildSegments([2, parts - 2]);
  const long = second?.inputs.filter(({ name, shape }) => isCarried(name) && /^N[va]$/.test(`${shape[0]}`));
  expect(long?.map(({ shape }) => `${shape}`).sort()).toEqual(['Na,32', 'Nv,64']);
});

test.for([{ names: [] }, { names: ['a'] }])(
  'a feed-forward in parts gives the same as at once, with the LoRAs $names',
  async ({ names }) => {
    const config = transformerConfigOf(checkpoint);
    const size = { frames: 3, height: 25, width: 33 };
    const [Nv, Na] = [3 * 25 * 33, 5];
    const normals = (stream: number, rows: number, columns: number) =>
      floatTensor(seededNormals(4, stream, rows * columns), [rows, columns]);
    await using velocities = new VelocityModel(checkpoint, { target: graphTargets.cpu });
    const text = { video: normals(0, 16, 48), audio: normals(1, 16, 48) };
    const stage = velocities.prepareStage(videoPositions(size, 24), audioPositions(Na), text);
    const sinusoid = floatTensor(timestepSinusoid(Float32Array.of(725)), [1, sinusoidWidth]);
    const step = { timestep: { sinusoid, index: undefined }, residual: undefined };
    const feeds = {
      video: { ...stage.video, ...step, tokens: normals(2, Nv, 4) },
      audio: { ...stage.audio, ...step, tokens: normals(3, Na, 32) },
    };
    const adaptable = adaptableModules(checkpoint);
    const loras = await Promise.all(
      names.map(async (name) => ({ lora: await readLora(loraPath(name), adaptable), strength: 1 })),
    );
    const evaluate = async (videoParts?: number) => {
      const form = { config, perToken: { video: false, audio: false }, videoParts };
      const model = drawTransformer(checkpoint, graphTargets.cpu, form, loras).build();
      return { bytes: model.bytes.length, velocity: floats(await runOnce(model, feeds), 'video.velocity').data };
    };
    const [whole, parted] = [await evaluate(), await evaluate(3)];
    expect(parted.bytes).toBeGreaterThan(whole.bytes);
    expect(whole.velocity).toHaveLength(Nv * 4);
    const distances = whole.velocity.map((value, at) => Math.abs(value - (parted.velocity[at] ?? Number.NaN)));
    expect(Math.max(...distances)).toBeLessThan(1e-5);
  },
);

test('a part has some thousand tokens, none of them none, and narrow layers and GPUs have one part', () => {
  const narrow = transformerConfigOf(checkpoint);
  const wide = { ...narrow, num_attention_heads: 32, attention_head_dim: 128 };
  expect([1, 1535, 1536, 3072, 12288].map((tokens) => feedForwardParts(graphTargets.cpu, wide, tokens))).toEqual([
    1, 1, 2, 3, 12,
  ]);
  expect(feedForwardParts(graphTargets.cpu, narrow, 12288)).toBe(1);
  expect(feedForwardParts(graphTargets.cuda, wide, 12288)).toBe(1);
});
