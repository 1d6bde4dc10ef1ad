import { expect, test } from 'vitest';
import type { Picture } from '../footage.ts';
import { seamMeasures } from './seam-measures.ts';

/** A bar that moves one column a frame, and jumps by so many at frame 8. */
function film(jump: number): Picture[] {
  return Array.from({ length: 16 }, (_, frame) => {
    const at = frame + (frame >= 8 ? jump : 0);
    const rgb = Uint8Array.from({ length: 64 * 8 * 3 }, (_, index) => {
      const column = Math.floor(index / 3) % 64;
      return 255 * Math.exp(-(((column - 8 - at) / 4) ** 2));
    });
    return { width: 64, height: 8, rgb };
  });
}

test('a seam that nobody could see is like its neighbors, and a jump is not', () => {
  const smooth = seamMeasures(film(0), [0, 8]);
  expect(smooth.likeness).toBeCloseTo(smooth.likenessWithin, 0);
  expect(smooth.jolt).toBeCloseTo(1, 0);
  const jumping = seamMeasures(film(12), [0, 8]);
  expect(jumping.likeness).toBeLessThan(smooth.likeness - 5);
  expect(jumping.jolt).toBeGreaterThan(4);
});
