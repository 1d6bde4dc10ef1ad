import { expect, test } from 'vitest';
import { symbol } from '../dimension.ts';
import { Graph } from '../graph.ts';
import { graphTargets } from '../graph-target.ts';
import { floatTensor } from '../runtime/host-tensor.ts';
import { floats, runOnce } from '../runtime/session.ts';
import { instanceNormalize } from './layers.ts';

test('normalizing instances gives the same without the operator for it', async () => {
  const data = Float32Array.from({ length: 2 * 3 * 4 * 5 }, (_, at) => 3 + Math.sin(at * 1.7) * (1 + (at % 20)));
  const results = [true, false].map(async (hasInstanceNormalization) => {
    const g = new Graph({ ...graphTargets.cpu, hasInstanceNormalization });
    const x = g.input('x', 'float32', [2, 3, symbol('h'), symbol('w')]);
    g.output('y', instanceNormalize(x, 1e-5));
    return floats(await runOnce(g.build(), { x: floatTensor(data, [2, 3, 4, 5]) }), 'y').data;
  });
  const [fused, composed] = await Promise.all(results);
  expect(fused?.some((value) => value > 1)).toBe(true);
  fused?.forEach((value, at) => {
    expect(composed?.[at]).toBeCloseTo(value, 5);
  });
});
