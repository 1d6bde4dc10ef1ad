import { expect, test } from 'vitest';
import { philoxBlock, seededNormals } from './noise.ts';

test('Philox4x32-10 gives its published known answer', () => {
  // Random123, kat_vectors: counter and key of zeros.
  expect(philoxBlock(0, 0, 0)).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
});

test('normals have mean 0, variance 1, kurtosis 3', () => {
  const normals = seededNormals(1234, 0, 200_000);
  const moment = (power: number): number => normals.reduce((sum, x) => sum + x ** power, 0) / normals.length;
  expect(moment(1)).toBeCloseTo(0, 2);
  expect(moment(2)).toBeCloseTo(1, 1);
  expect(moment(4)).toBeCloseTo(3, 1);
});

test('a draw depends on seed and stream, and starts with the shorter draw', () => {
  const seven = seededNormals(5, 1, 7);
  expect(seededNormals(5, 1, 100).subarray(0, 7)).toEqual(seven);
  expect(seededNormals(6, 1, 7)).not.toEqual(seven);
  expect(seededNormals(5, 2, 7)).not.toEqual(seven);
  expect(seededNormals(0xffffffff, 1, 7)).not.toEqual(seven);
});
