import { expect, test } from 'vitest';
import { fitOf } from './gpu-fit.ts';

test('a GPU holds what fits as a whole, and the rest comes and goes', () => {
  expect(fitOf(4e9)).toBe('too small for the 19B weights');
  expect(fitOf(11.5e9)).toBe('the weights of ltx-2-19b-distilled and ltx-2-19b-distilled-fp8 come and go');
  expect(fitOf(25e9)).toBe('holds ltx-2-19b-distilled-fp8; the weights of ltx-2-19b-distilled come and go');
  expect(fitOf(79e9)).toBe('holds ltx-2-19b-distilled and ltx-2-19b-distilled-fp8');
});
