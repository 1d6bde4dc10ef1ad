import { expect, test } from 'vitest';
import { bundlePath, fp8BundlePath } from '../../../test/support/parity-checkpoint.ts';
import { graphTargets } from '../../graph/graph-target.ts';
import { networkGraph } from '../../graph/network.ts';
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
