import { expect, test } from 'vitest';
import { cost, megapixels, pricePerMegapixel, roundedCost } from './price.ts';

const price = pricePerMegapixel(0.001);

test.each([
  ['158', 1280, 720, 121, 112, 0.112],
  ['159', 1024, 768, 121, 96, 0.096],
  ['160', 1000, 1000, 1, 1, 0.001],
  ['160', 1_000_001, 1, 1, 2, 0.002],
  ['one second at the defaults', 1024, 768, 25, 20, 0.02],
  ['nothing', 0, 0, 0, 0, 0],
])('%s: %i × %i × %i', (_, width, height, frames, units, dollars) => {
  expect(megapixels(width, height, frames)).toBe(units);
  expect(cost(units, price)).toBe(dollars);
});

test('a pixel more than a whole number of megapixels counts, also where division would round it away', () => {
  const units = 9_007_199_254;
  expect(megapixels(units * 1_000_000, 1, 1)).toBe(units);
  expect(megapixels(units * 1_000_000 + 1, 1, 1)).toBe(units + 1);
});

test('no dollar amount shows a rounding error', () => {
  for (let units = 0; units < 20_000; units++) expect(String(cost(units, price))).toMatch(/^\d+(\.\d{1,3})?$/);
});

test('sums of costs are told to the thousandth of a cent, not 0.23400000000000015', () => {
  let sum = 0;
  for (let clip = 0; clip < 78; clip += 1) {
    sum += cost(3, price);
    expect(String(roundedCost(sum))).toMatch(/^\d(\.\d{1,3})?$/);
  }
  expect(String(sum)).not.toBe('0.234');
  expect(roundedCost(sum)).toBe(0.234);
  expect([roundedCost(0.000_014), roundedCost(0.000_016), roundedCost(1e12 / 3)]).toEqual([
    0.000_01, 0.000_02, 333_333_333_333.333_31,
  ]);
});

test.each([
  [1.5, 2, 3],
  [-1, 2, 3],
  [Number.NaN, 1, 1],
  [2 ** 52, 4, 1],
])('%f × %f × %f is no clip', (...size) => {
  expect(() => megapixels(...size)).toThrow(RangeError);
});
