import sharp from 'sharp';
import { expect, test } from 'vitest';
import { contactSheet } from './contact-sheet.ts';
import { SeededRandom } from './seeded-random.ts';

test('even a sheet of noise stays below 120 kB', async () => {
  const random = new SeededRandom(1);
  const rgb = Uint8Array.from({ length: 96 * 64 * 3 }, () => random.integer(256));
  const picture = { width: 96, height: 64, rgb };
  const png = await contactSheet([new Array(6).fill(picture), [picture], new Array(6).fill(picture)]);
  expect(png.length).toBeLessThanOrEqual(120_000);
  const { width = 0, height = 0 } = await sharp(png).metadata();
  expect(width / height).toBeGreaterThan(2);
});
