import { expect, test } from 'vitest';
import { audioPositions } from './positions.ts';

test('positions of audio tokens are in seconds and rounded once', () => {
  const { bounds } = audioPositions(3);
  expect(bounds).toEqual(Float32Array.of(0, 0.01, 0.01, 0.05, 0.05, 0.09));
});
