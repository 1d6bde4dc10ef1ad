import { expect, test } from 'vitest';
import { symbol } from '../dimension.ts';
import { Graph } from '../graph.ts';
import { graphTargets } from '../graph-target.ts';
import { add, multiply } from '../operations/arithmetic.ts';
import type { StoredTensor } from '../weights/safetensors.ts';
import { divideParts } from './residency.ts';

test.for([
  { keptBytes: 0, streamedBytes: 5, kept: 0, streamed: [2, 1, 1, 2] },
  { keptBytes: 5, streamedBytes: 5, kept: 2, streamed: [1, 1, 2] },
  { keptBytes: 4, streamedBytes: 100, kept: 1, streamed: [5] },
  { keptBytes: 100, streamedBytes: 1, kept: 6, streamed: [] },
  { keptBytes: 0, streamedBytes: 1, kept: 0, streamed: [1, 1, 1, 1, 1, 1] },
])(
  'of parts of 2, 3, 9, 5, 1 and 1 byte $kept stay in $keptBytes, and $streamed come in at $streamedBytes',
  ({ keptBytes, streamedBytes, kept, streamed }) => {
    expect(divideParts([2, 3, 9, 5, 1, 1], { keptBytes, streamedBytes })).toEqual({ kept, streamed });
  },
);

test('pieces hand on what weights went into, and work out again what follows from the inputs', () => {
  const [one, other] = cutInTwo().buildSegments([1, 1]);
  expect(one?.inputs.map(({ name }) => name)).toEqual(['x', 'y']);
  expect(one?.outputs).toMatchObject([{ name: expect.stringMatching(/^carried\/Mul/), dtype: 'float32' }]);
  expect(other?.inputs.map(({ name }) => name)).toEqual(['x', 'y', one?.outputs[0]?.name]);
  expect(other?.outputs.map(({ name }) => name)).toEqual(['z']);
  expect([one, other].map((piece) => piece?.weights.map(({ name }) => name))).toEqual([['w'], ['w', 'scale']]);
});

test('the parts of a graph know their weights, and a weight of two parts counts for both', () => {
  const graph = cutInTwo();
  expect(graph.partWeights()).toEqual([8, 10]);
  expect(() => graph.buildSegments([1])).toThrow('1 parts are not all 2');
});

/** `s·w·scale·w + s` with `s = x + y`, cut before `scale`. */
function cutInTwo(): Graph {
  const n = symbol('n');
  const g = new Graph(graphTargets.cuda);
  const [w, scale] = [g.weight(weight('w', 0, 4)), g.weight(weight('scale', 8, 1))];
  const sum = add(g.activation('x', [n, 4]), g.activation('y', [n, 4])); // [n, 4]
  const before = multiply(sum, w); // [n, 4]
  g.beginPart();
  g.output('z', add(multiply(multiply(before, scale), w), sum)); // [n, 4]
  return g;
}

function weight(name: string, offset: number, elements: number): StoredTensor {
  return { name, file: '/weights', dtype: 'bfloat16', shape: [elements], offset, length: 2 * elements };
}
