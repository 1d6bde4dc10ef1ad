import { expect, test } from 'vitest';
import { seededNormals } from '../../ltx2/sampling/noise.ts';
import { type Dimension, multiplyDimensions, symbol } from '../dimension.ts';
import { Graph } from '../graph.ts';
import { graphTargets } from '../graph-target.ts';
import { floatTensor } from '../runtime/host-tensor.ts';
import { floats, runOnce } from '../runtime/session.ts';
import { type ConvolutionOptions, convolve } from './convolution.ts';

const channels = 32;
const kernel = [channels, channels, 3, 3, 3];
const weight = seededNormals(1, 0, channels * channels * 27).map((value) => value / 30);
const bias = seededNormals(1, 1, channels);
const plainTarget = { ...graphTargets.cpu, filtersConvolutions: false };

/** The convolution, as nodes and as numbers. */
async function run(
  target: typeof plainTarget,
  lengths: readonly Dimension[],
  given: number[],
  options?: ConvolutionOptions,
) {
  const graph = new Graph(target);
  const x = graph.input('x', 'float32', [1, channels, ...lengths]);
  const w = graph.input('w', 'float32', kernel);
  const b = graph.input('b', 'float32', [channels]);
  graph.output('y', convolve(x, w, b, options));
  const model = graph.build();
  const shape = [1, channels, ...given];
  const elements = shape.reduce((product, length) => product * length, 1);
  const feeds = {
    x: floatTensor(seededNormals(2, 0, elements), shape),
    w: floatTensor(weight, kernel),
    b: floatTensor(bias, [channels]),
  };
  return { model, y: floats(await runOnce(model, feeds), 'y') };
}

const same = { before: [1, 1, 1] };
const fours = [symbol('f'), multiplyDimensions(4, symbol('h')), symbol('w')];

test.for<[string, readonly Dimension[], number[], ConvolutionOptions | undefined]>([
  ['rows in fours, of any number', fours, [3, 8, 5], same],
  ['rows in fours, padded in front alone', fours, [3, 12, 5], { before: [2, 1, 1], after: [0, 1, 1] }],
  ['rows that are padded to fours', [5, 7, 6], [5, 7, 6], same],
  ['frames in fours', [8, 5, 6], [8, 5, 6], same],
  ['without padding', [6, 10, 6], [6, 10, 6], undefined],
])('a filtered convolution gives what a plain one does: %s', async ([, lengths, given, options]) => {
  const [filtered, plain] = [
    await run(graphTargets.cpu, lengths, given, options),
    await run(plainTarget, lengths, given, options),
  ];
  expect(filtered.model.bytes.length).toBeGreaterThan(2 * plain.model.bytes.length);
  expect(filtered.y.shape).toEqual(plain.y.shape);
  expect(distance(plain.y.data, filtered.y.data)).toBeLessThan(2e-5);
  // Its operations are counted as those of the plain one.
  expect(String(filtered.model.flops)).toBe(String(plain.model.flops));
  expect(filtered.model.activations.map(String)).toEqual(plain.model.activations.map(String));
});

test.for<[string, readonly Dimension[], number[], ConvolutionOptions]>([
  ['rows of a number that is not known to be in fours', [symbol('f'), symbol('h'), 6], [3, 8, 6], same],
  ['too few rows and frames', [2, 2, 6], [2, 2, 6], same],
  ['strides', [8, 8, 8], [8, 8, 8], { before: [1, 1, 1], after: [0, 0, 0], strides: [2, 2, 2] }],
])('what is not worth it stays as it is: %s', async ([, lengths, given, options]) => {
  const [filtered, plain] = [
    await run(graphTargets.cpu, lengths, given, options),
    await run(plainTarget, lengths, given, options),
  ];
  expect(filtered.y.data).toEqual(plain.y.data);
});

/** Relative L2. */
function distance(want: Float32Array, got: Float32Array): number {
  const squares = want.reduce((sum, value, at) => sum + (value - (got[at] as number)) ** 2, 0);
  return Math.sqrt(squares / want.reduce((sum, value) => sum + value ** 2, 0));
}
