import { expect, test } from 'vitest';
import { drawClip } from '../../world/draw.ts';
import { colorShare } from './color-share.ts';

test('a color has the share of the picture that it covers', () => {
  const thing = { shape: 'square', color: 'red', x: 0, size: 0.5, motion: 'pulse' } as const;
  const scene = { kind: 'shapes', ground: 'blue', things: [thing] } as const;
  const footage = drawClip(scene, [0.5], { fps: 10, size: { width: 80, height: 80 } });
  const side = (2 * 0.84 * 0.5 * (0.55 + 0.55 * 0.5)) / 2;
  expect(colorShare(footage, 'red')).toBeCloseTo(side ** 2, 1);
  expect(colorShare(footage, 'blue')).toBeCloseTo(1 - side ** 2, 1);
  expect(colorShare(footage, 'green')).toBe(0);
});
