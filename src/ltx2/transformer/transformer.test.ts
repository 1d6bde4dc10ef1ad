import { expect, test } from 'vitest';
import { bundlePath, fp8BundlePath } from '../../../test/support/parity-checkpoint.ts';
import { graphTargets } from '../../graph/graph-target.ts';
import { openCheckpoint } from '../checkpoint.ts';
import { inputAdapters } from '../lora/adapters.ts';
import { transformerLinears } from './modules.ts';
import { transformerGraph } from './transformer.ts';

const checkpoint = await openCheckpoint(bundlePath);
const perToken = { video: true, audio: true };

test.for([
  ['bf16 weights', bundlePath],
  ['fp8 weights', fp8BundlePath],
])('the CUDA form with %s has float32 edges and one LoRA pair per linear layer', async ([, path]) => {
  const bundle = await openCheckpoint(path as string);
  const graph = transformerGraph(bundle, graphTargets.cuda, { variant: 'own', perToken, adapters: inputAdapters() });
  const pairs = graph.inputs.filter(({ name }) => /\.lora_[AB]$/.test(name));
  expect(pairs).toHaveLength(2 * transformerLinears(bundle).size);
  expect(graph.inputs.filter(({ dtype }) => dtype !== 'float32').map(({ name }) => name)).toEqual([
    'video_timestep_index',
    'audio_timestep_index',
  ]);
  expect(graph.outputs.map(({ name, dtype, shape }) => [name, dtype, shape.map(String)])).toEqual([
    ['video_velocity', 'float32', ['Nv', '4']],
    ['audio_velocity', 'float32', ['Na', '32']],
  ]);
});

test.for(['own', 'cross', 'own_ss_cross_gate'] as const)(
  'variant %s with guidance builds for every device',
  (variant) => {
    for (const target of Object.values(graphTargets)) {
      const graph = transformerGraph(checkpoint, target, { variant, perToken, guidance: true, residuals: 'record' });
      expect(graph.outputs.map(({ name }) => name)).toContain('video_residual');
      expect(graph.inputs.some(({ name }) => name === 'video_sigma')).toBe(variant !== 'own');
    }
  },
);

test('a replay graph holds the first block only', () => {
  const weights = (residuals: 'record' | 'replay'): number =>
    transformerGraph(checkpoint, graphTargets.cpu, { variant: 'own', perToken, residuals }).weightElements;
  const laterBlocks = [...checkpoint.tensors.values()].filter(({ name }) => /transformer_blocks\.[12]\./.test(name));
  const elements = laterBlocks.reduce((sum, { length }) => sum + length / 2, 0);
  expect(weights('record') - weights('replay')).toBe(elements);
});
