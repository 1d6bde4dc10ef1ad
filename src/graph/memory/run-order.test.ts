import { expect, test } from 'vitest';
import { Graph } from '../graph.ts';
import { graphTargets } from '../graph-target.ts';
import { add, multiply, tanh } from '../operations/arithmetic.ts';

// Eight steps of a chain, each of which adds a row that was made from the input at once.
const [rows, width, steps] = [1000, 16, 8];
const tensorBytes = rows * width * 4;

function chain(): Graph {
  const g = new Graph(graphTargets.cpu);
  const x = g.input('x', 'float32', [rows, width]);
  const row = g.input('row', 'float32', [1, width]);
  const zeros = multiply(x, g.constant([0], []));
  let h = x;
  for (let step = 0; step < steps; step++) {
    const bent = tanh(h); // [rows, width]
    const spread = add(zeros, multiply(row, g.constant([step], []))); // [rows, width]
    h = add(bent, spread); // [rows, width]
  }
  g.output('h', h);
  return g;
}

test('what is made at once is made when it is needed, and not at the start for all steps', () => {
  const { peak } = chain().memory()(new Map()).run(0, 1);
  // The input, the zeros, the chain and one row that is spread, and rows that are not.
  expect(peak / tensorBytes).toBeGreaterThan(4);
  expect(peak / tensorBytes).toBeLessThan(5);
});
