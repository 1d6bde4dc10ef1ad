import { expect, test } from 'vitest';
import {
  addDimensions,
  affineForm,
  type Dimension,
  divideExactly,
  evaluateDimension,
  floorDivide,
  multiplyDimensions,
  type SymbolicDimension,
  sameDimension,
  subtractDimensions,
  symbol,
} from './dimension.ts';
import { pseudoRandom } from './random.test-support.ts';

const [f, h, w] = [symbol('f'), symbol('h'), symbol('w')];

test('equal polynomials have equal text, whatever the order of making', () => {
  const one = addDimensions(multiplyDimensions(8, f), 1);
  const other = subtractDimensions(addDimensions(2, multiplyDimensions(f, 4), multiplyDimensions(4, f)), 1);
  expect(String(one)).toBe('8*f+1');
  expect(sameDimension(one, other)).toBe(true);
  expect(String(multiplyDimensions(w, f, h))).toBe(String(multiplyDimensions(h, w, f)));
  expect(String(subtractDimensions(multiplyDimensions(f, h), multiplyDimensions(2, f)))).toBe('f*h-2*f');
});

test('symbols that cancel leave a number', () => {
  expect(subtractDimensions(addDimensions(f, 3), f)).toBe(3);
  expect(subtractDimensions(f, f)).toBe(0);
  expect(multiplyDimensions(f, 0)).toBe(0);
  expect(addDimensions()).toBe(0);
  expect(multiplyDimensions()).toBe(1);
});

test('products are multiplied out', () => {
  const square = multiplyDimensions(addDimensions(f, 1), addDimensions(f, -1));
  expect(square).toEqual(subtractDimensions(multiplyDimensions(f, f), 1));
});

test('division rounds the constant down and refuses symbols it does not divide', () => {
  expect(String(floorDivide(addDimensions(multiplyDimensions(4, f), 3), 2))).toBe('2*f+1');
  expect(String(floorDivide(addDimensions(multiplyDimensions(4, f), -3), 4))).toBe('f-1');
  expect(floorDivide(multiplyDimensions(3, f), 2)).toBeUndefined();
  expect(floorDivide(-3, 2)).toBe(-2);
  expect(divideExactly(addDimensions(multiplyDimensions(4, f), 3), 2)).toBeUndefined();
  expect(divideExactly(7, 2)).toBeUndefined();
  expect(String(divideExactly(multiplyDimensions(6, f, h), 3))).toBe('2*f*h');
});

test('only scale·symbol + offset has an affine form', () => {
  expect(affineForm(f)).toEqual({ name: 'f', scale: 1, offset: 0 });
  const frames = addDimensions(multiplyDimensions(8, f), 1) as SymbolicDimension;
  expect(affineForm(frames)).toEqual({ name: 'f', scale: 8, offset: 1 });
  for (const other of [multiplyDimensions(f, h), addDimensions(f, h), multiplyDimensions(f, f)]) {
    expect(affineForm(other as SymbolicDimension)).toBeUndefined();
  }
});

test('lengths are worked out once all symbols have a size', () => {
  const tokens = addDimensions(multiplyDimensions(f, h, w), multiplyDimensions(2, h), 1);
  const sizes = new Map(Object.entries({ f: 2, h: 3, w: 5 }));
  expect(evaluateDimension(tokens, sizes)).toBe(37);
  expect(evaluateDimension(7, new Map())).toBe(7);
  sizes.delete('w');
  expect(evaluateDimension(tokens, sizes)).toBeUndefined();
});

test.for(['', '2', 'a*b', 'a+b', 'a b'])('"%s" cannot name a size', (name) => {
  expect(() => symbol(name)).toThrow('cannot name a size');
});

test('the arithmetic agrees with that of numbers', () => {
  const sizes = new Map(Object.entries({ f: 5, h: 7, w: 3 }));
  const random = pseudoRandom(1);
  const pick = (): Dimension => [f, h, w, random(9) - 4][random(4)] as Dimension;
  const value = (dimension: Dimension): number => evaluateDimension(dimension, sizes) as number;
  for (let round = 0; round < 500; round++) {
    let x = pick();
    let expected = value(x);
    for (let step = 0; step < 5; step++) {
      const y = pick();
      const divisor = random(4) + 1;
      const [next, wanted] = (
        [
          [addDimensions(x, y), expected + value(y)],
          [subtractDimensions(x, y), expected - value(y)],
          [multiplyDimensions(x, y), expected * value(y)],
          [
            floorDivide(x, divisor) ?? x,
            floorDivide(x, divisor) === undefined ? expected : Math.floor(expected / divisor),
          ],
        ] as const
      )[random(4)] as readonly [Dimension, number];
      [x, expected] = [next, wanted];
      expect(value(x) === expected).toBe(true);
    }
  }
});
