import { expect, test } from 'vitest';
import { SeededRandom } from '../seeded-random.ts';
import type { Style } from '../world/canvas.ts';
import { drawClip } from '../world/draw.ts';
import { randomScene } from '../world/scene.ts';
import { inkAmount, neonAmount } from './style-amount.ts';

test('each style has much of its own amount and little of the other', () => {
  for (let seed = 0; seed < 4; seed++) {
    const scene = { ...randomScene('speaker', new SeededRandom(seed)), ground: 'green', shirt: 'yellow' } as const;
    const of = (style: Style) => drawClip(scene, [0.5], { fps: 10, size: { width: 96, height: 96 }, style });
    expect(inkAmount(of('ink'))).toBeGreaterThan(0.6);
    expect(neonAmount(of('neon'))).toBeGreaterThan(0.6);
    for (const [amount, style] of [
      [inkAmount, 'neon'],
      [inkAmount, 'plain'],
      [neonAmount, 'ink'],
      [neonAmount, 'plain'],
    ] as const) {
      expect(amount(of(style)), `${amount.name} of ${style}`).toBeLessThan(0.35);
    }
  }
});
