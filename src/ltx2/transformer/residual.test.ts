import { expect, test } from 'vitest';
import { bundlePath, fp8BundlePath } from '../../../test/support/parity-checkpoint.ts';
import { graphTargets } from '../../graph/graph-target.ts';
import { floatTensor } from '../../graph/runtime/host-tensor.ts';
import { openCheckpoint } from '../../graph/weights/checkpoint.ts';
import { seededNormals } from '../sampling/noise.ts';
import { audioPositions, videoPositions } from '../sampling/positions.ts';
import { type Velocities, VelocityModel } from './velocity.ts';

const [videoTokens, audioTokens, contextRows, sigma] = [12, 5, 16, 0.725];
const context = (stream: number) => floatTensor(seededNormals(1, stream, contextRows * 48), [contextRows, 48]);

interface Evaluation {
  readonly path: string;
  readonly hasNegative?: boolean;
  /** Of the first video token. */
  readonly timestep?: number;
}

async function evaluate(biasesProducts: boolean, { path, hasNegative, timestep = sigma }: Evaluation) {
  const target = { ...graphTargets.cpu, biasesProducts };
  await using model = new VelocityModel(await openCheckpoint(path), { target });
  const positions = [videoPositions({ frames: 2, height: 2, width: 3 }, 24), audioPositions(audioTokens)] as const;
  const text = { video: context(0), audio: context(1) };
  const negative = hasNegative ? { video: context(2), audio: context(3) } : undefined;
  return await model.evaluate(
    model.prepareStage(...positions, text, negative),
    {
      tokens: seededNormals(2, 0, videoTokens * model.config.in_channels),
      timesteps: new Float32Array(videoTokens).fill(sigma).with(0, timestep),
    },
    {
      tokens: seededNormals(2, 1, audioTokens * model.config.audio_in_channels),
      timesteps: new Float32Array(audioTokens),
    },
  );
}

test.for<[string, Evaluation]>([
  ['a timestep that all tokens share', { path: bundlePath }],
  ['timesteps that differ', { path: bundlePath, timestep: 0.1 }],
  ['a negative prompt', { path: bundlePath, hasNegative: true }],
  ['fp8 weights', { path: fp8BundlePath }],
])('with %s, sums that wait for whatever reads them give the same', async ([, evaluation]) => {
  const [atOnce, later] = [await evaluate(true, evaluation), await evaluate(false, evaluation)];
  expect(distance(atOnce, later)).toBeLessThan(1e-5);
  expect(distance(atOnce, later)).toBeGreaterThan(0);
});

/** Relative L2, of both streams. */
function distance(a: Velocities, b: Velocities): number {
  const square = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);
  const streams = ['video', 'audio'] as const;
  const differences = streams.map((stream) => square(a[stream].map((value, at) => value - (b[stream][at] ?? 0))));
  return Math.max(...streams.map((stream, at) => Math.sqrt((differences[at] ?? 0) / square(a[stream]))));
}
