import { expect, test } from 'vitest';
import type { Picture } from '../footage.ts';
import { sharpness } from './edges/sharpness.ts';
import { clipPsnr, layoutCorrelation, psnr } from './picture-difference.ts';

const size = { width: 96, height: 64 };
/** A striped picture; `change` is added to every second byte. */
function striped(change: number, width = 8): Picture {
  const rgb = Uint8Array.from(
    { length: size.width * size.height * 3 },
    (_, at) =>
      (Math.floor((Math.floor(at / 3) % size.width) / width) % 2 === 0 ? 60 : 180) + (at % 2 === 0 ? change : 0),
  );
  return { ...size, rgb };
}

test('the signal-to-noise ratio is that of the mean squared difference', () => {
  expect(psnr(striped(0), striped(0))).toBe(99);
  expect(psnr(striped(0), striped(10))).toBeCloseTo(10 * Math.log10(255 ** 2 / 50));
  expect(clipPsnr([striped(0), striped(0)], [striped(10), striped(0)])).toBeCloseTo(10 * Math.log10(255 ** 2 / 25));
});

test('the layout agrees whatever the light is, and not with another layout', () => {
  expect(layoutCorrelation(striped(0), striped(20))).toBeGreaterThan(0.99);
  expect(layoutCorrelation(striped(0), striped(0, 16))).toBeLessThan(0.2);
});

test('more edges are sharper', () => {
  expect(sharpness(striped(0, 4))).toBeGreaterThan(1.5 * sharpness(striped(0, 8)));
  expect(sharpness({ ...size, rgb: new Uint8Array(size.width * size.height * 3).fill(80) })).toBeCloseTo(0);
});
