import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { GraphModel } from '../src/graph/graph-model.ts';
import { graphTargets } from '../src/graph/graph-target.ts';
import { networkGraph } from '../src/graph/network.ts';
import { floatTensor } from '../src/graph/runtime/host-tensor.ts';
import { floats, runOnce } from '../src/graph/runtime/session.ts';
import { configOf } from '../src/ltx2/config.ts';
import { seededNormals } from '../src/ltx2/sampling/noise.ts';
import { videoDecoder } from '../src/ltx2/video/video-decoder.ts';
import { deviceNetworks, parityWeights } from './support/device-networks.ts';

const folder = await mkdtemp(join(tmpdir(), 'soundstage-device-graphs-'));
afterAll(() => rm(folder, { recursive: true }));
const weights = await parityWeights(folder);

test.for(deviceNetworks(weights))(
  'the f16 form of the $name has the inputs and outputs of the CPU form',
  ({ build }) => {
    const edges = ({ inputs, outputs }: GraphModel) =>
      [...inputs, ...outputs].map(({ name, dtype, shape }) => `${name} ${dtype} ${shape}`);
    expect(edges(build(graphTargets.webgpu))).toEqual(edges(build(graphTargets.cpu)));
  },
);

test('the f16 form of the video decoder computes the same within its precision', async () => {
  const { bundle } = weights;
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
