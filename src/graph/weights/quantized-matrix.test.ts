import { expect, test } from 'vitest';
import { seededNormals } from '../../ltx2/sampling/noise.ts';
import { elementAt } from '../../shared/element-at.ts';
import { symbol } from '../dimension.ts';
import { Graph } from '../graph.ts';
import { graphTargets } from '../graph-target.ts';
import { linear } from '../operations/layers.ts';
import { quantizedLinear } from '../operations/quantized.ts';
import { cast } from '../operations/shapes.ts';
import { floatTensor } from '../runtime/host-tensor.ts';
import { integerLimit } from '../runtime/integer-limit.ts';
import { floats, runOnce } from '../runtime/session.ts';
import { quantizeMatrix } from './quantized-matrix.ts';

const [rows, outputs, inputs] = [6, 70, 96];

test('each number is off by half a step of its row at most, and lies in the column of its row', () => {
  const weight = seededNormals(1, 0, outputs * inputs);
  const { values, scales } = quantizeMatrix(weight, outputs, 127);
  weight.forEach((value, at) => {
    const [row, column] = [Math.floor(at / inputs), at % inputs];
    const scale = elementAt(scales, row);
    expect(Math.abs(elementAt(values, column * outputs + row) * scale - value)).toBeLessThanOrEqual(scale * 0.5001);
  });
  expect(Math.max(...values.map(Math.abs))).toBe(127);
});

test('a row of zeros stays one', () => {
  const { values, scales, error } = quantizeMatrix(new Float32Array(8), 2, 127);
  expect([...values, ...scales, error]).toEqual(new Array(11).fill(0));
});

test('a row in which one number stands out loses the others, and the error says so', () => {
  const weight = seededNormals(2, 0, 4 * inputs);
  const plain = quantizeMatrix(weight, 4, 127).error;
  expect(plain).toBeLessThan(0.01);
  const standing = weight.slice();
  standing[0] = 20;
  // Of the row's numbers, which are about 1, each is off by up to 20/254.
  expect(quantizeMatrix(standing, 4, 127).error).toBeGreaterThan(2 * plain);
});

test('the product is that of the rounded weight, and a row of large numbers takes nothing from the others', async () => {
  const weight = seededNormals(3, 0, outputs * inputs).map((value) => value / 10);
  const bias = seededNormals(3, 1, outputs);
  const { values, scales } = quantizeMatrix(weight, outputs, await integerLimit());
  const graph = new Graph(graphTargets.cpu);
  const x = graph.input('x', 'float32', [symbol('n'), inputs]);
  const [b, s] = [bias, scales].map((numbers) => graph.constant([...numbers]));
  const exact = linear(x, graph.constant([...weight], [outputs, inputs]), b);
  const integers = cast(graph.constant([...values], [inputs, outputs]), 'int8');
  if (s === undefined) throw new Error('unreachable');
  graph.output('exact', exact);
  graph.output('rounded', quantizedLinear(x, { values: integers, scales: s }, b));
  const given = seededNormals(4, 0, rows * inputs);
  for (let at = 0; at < inputs; at++) given[at] = 1000 * elementAt(given, at);
  given.fill(0, inputs, 2 * inputs);
  const made = await runOnce(graph.build(), { x: floatTensor(given, [rows, inputs]) });
  const [want, got] = [floats(made, 'exact').data, floats(made, 'rounded').data];
  for (let row = 0; row < rows; row++) {
    const part = (data: Float32Array): Float32Array => data.subarray(row * outputs, (row + 1) * outputs);
    expect(distance(part(want), part(got))).toBeLessThan(0.02);
  }
  // Of a row of zeros only the bias is left.
  expect(got.slice(outputs, 2 * outputs)).toEqual(bias);
});

/** Relative L2. */
function distance(want: Float32Array, got: Float32Array): number {
  const squares = want.reduce((sum, value, at) => sum + (value - elementAt(got, at)) ** 2, 0);
  return Math.sqrt(squares / want.reduce((sum, value) => sum + value ** 2, 0));
}
