import { expect, test } from 'vitest';
import { Graph } from '../../graph/graph.ts';
import { graphTargets } from '../../graph/graph-target.ts';
import { floatTensor } from '../../graph/runtime/host-tensor.ts';
import { floats, runOnce } from '../../graph/runtime/session.ts';
import { normalizedGuidance } from './attention.ts';

async function guided(positive: readonly number[], negative: readonly number[]): Promise<number[]> {
  const g = new Graph(graphTargets.cpu);
  const width = positive.length;
  const [p, q] = ['p', 'q'].map((name) => g.input(name, 'float32', [1, width]));
  if (p === undefined || q === undefined) throw new Error('unreachable');
  g.output('y', normalizedGuidance(p, q));
  const feed = (values: readonly number[]) => floatTensor(Float32Array.from(values), [1, width]);
  return [...floats(await runOnce(g.build(), { p: feed(positive), q: feed(negative) }), 'y').data];
}

/** g = s·p − (s−1)·q with s 11; its L1 norm held to 2.5 times that of p; then a quarter of it and three of p. */
function expected(p: readonly number[], q: readonly number[]): number[] {
  const extrapolated = p.map((value, i) => 11 * value - 10 * (q[i] ?? 0));
  const norm = (values: readonly number[]): number => values.reduce((sum, value) => sum + Math.abs(value), 0);
  const ratio = norm(extrapolated) / norm(p);
  const scale = ratio > 2.5 ? 2.5 / ratio : 1;
  return extrapolated.map((value, i) => 0.25 * scale * value + 0.75 * (p[i] ?? 0));
}

test.for([
  ['within the limit', [1, -2, 3], [0.9, -2.1, 3.05]],
  ['beyond the limit', [1, -2, 3], [-1, 2, 0]],
])('guidance %s', async ([, positive, negative]) => {
  const [p, q] = [positive as number[], negative as number[]];
  const actual = await guided(p, q);
  expected(p, q).forEach((value, i) => {
    expect(actual[i]).toBeCloseTo(value, 5);
  });
});

test('tokens that attend to nothing stay finite', async () => {
  expect(await guided([0, 0], [0, 0])).toEqual([0, 0]);
});
