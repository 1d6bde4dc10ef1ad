import { expect, test } from 'vitest';
import { symbol } from '../../graph/dimension.ts';
import { graphTargets } from '../../graph/graph-target.ts';
import { drawNetwork, network } from '../../graph/network.ts';
import { floats, runOnce } from '../../graph/runtime/session.ts';
import { rotaryTables, tokenRotaryFeed, tokenRotaryInput, tokenRotaryTables } from './rotary.ts';

// Golden values of the full-size model: 24 fps, latent token f=3, h=5, w=7, whose midpoints are 0.875 s, 176 and 240 px.
const token = [0.875, 176, 240].map((position) => Float32Array.of(position));
const tables = rotaryTables(token, { dim: 4096, maxPositions: [20, 2048, 2048], theta: 10000 });
const [cos, sin] = [tables.cos.data, tables.sin.data];

test('head 0 starts with the padding of angle zero', () => {
  expect([...cos.subarray(0, 2), ...sin.subarray(0, 2)]).toEqual([1, 1, 0, 0]);
  expectClose(cos.subarray(2, 6), [0.13701223, 0.26671275, 0.35989496, 0.11765413]);
  expectClose(sin.subarray(2, 6), [-0.99056935, -0.96377605, -0.93299282, -0.99305463]);
});

test('head 31 holds the highest frequencies', () => {
  const start = 31 * 64;
  expectClose(cos.subarray(start + 61, start + 64), [-0.00011956, -0.38281766, 0.92395502]);
  expectClose(sin.subarray(start + 61, start + 64), [-1, -0.92382389, -0.3825011]);
});

test('a device makes the tables that it would be handed', async () => {
  const target = { ...graphTargets.cpu, makesTables: true };
  const bands = { dim: 4096, theta: 10000 };
  const tables = network({
    inputs: () => ({ rotary: tokenRotaryInput(target, symbol('n'), 2048, 3) }),
    build: (_graph, _weights, { rotary }) => ({ ...tokenRotaryTables(rotary, bands) }),
  });
  const midpoints = [0.875, 19.97, 0].map((time, at) => Float32Array.of(time, 5 * at, 2047.5));
  const options = { ...bands, maxPositions: [20, 2048, 2048] };
  const graph = drawNetwork(tables, target, { path: '', tensors: new Map(), config: undefined }, undefined).build();
  const made = await runOnce(graph, { rotary: tokenRotaryFeed(target, midpoints, options) });
  const handed = rotaryTables(midpoints, options);
  for (const table of ['cos', 'sin'] as const) {
    const difference = handed[table].data.map((value, at) => Math.abs(value - (floats(made, table).data[at] ?? 9)));
    expect(Math.max(...difference)).toBeLessThan(3e-7);
  }
});

function expectClose(actual: Float32Array, expected: readonly number[]): void {
  expected.forEach((value, at) => {
    expect(actual[at]).toBeCloseTo(value, 6);
  });
}
