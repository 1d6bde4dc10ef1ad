import { expect, test } from 'vitest';
import { bundlePath, fp8BundlePath } from '../../../test/support/parity-checkpoint.ts';
import { graphTargets } from '../../graph/graph-target.ts';
import { isCarried } from '../../graph/memory/graph-segment.ts';
import { drawNetwork, networkGraph } from '../../graph/network.ts';
import { openCheckpoint } from '../../graph/weights/checkpoint.ts';
import { transformer, transformerConfigOf } from './transformer.ts';

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
