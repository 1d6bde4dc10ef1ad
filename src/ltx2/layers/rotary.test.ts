import { expect, test } from 'vitest';
import { rotaryTables } from './rotary.ts';

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

function expectClose(actual: Float32Array, expected: readonly number[]): void {
  expected.forEach((value, at) => {
    expect(actual[at]).toBeCloseTo(value, 6);
  });
}
