import { expect, test } from 'vitest';
import { fitOf } from './gpu-fit.ts';

test('a GPU has room for what it can hold as a whole', () => {
  expect(fitOf(24e9)).toBe('too small for the 19B weights');
  expect(fitOf(51e9)).toBe('room for ltx-2-19b-distilled-fp8');
  expect(fitOf(80e9)).toBe('room for ltx-2-19b-distilled and ltx-2-19b-distilled-fp8');
});
