import { expect, test } from 'vitest';
import { SeededRandom } from '../../seeded-random.ts';
import { drawClip } from '../../world/draw.ts';
import { randomScene, randomShapes } from '../../world/scene.ts';
import { barArea, objectSize } from '../attributes/object-size.ts';
import { mouthOpening } from '../faces/mouth-opening.ts';
import { correlation } from './series.ts';

const loudness = [0.1, 0.5, 0.9, 0.3, 0, 0.7, 1, 0.2, 0.6, 0.4];
const other = [0.9, 0.2, 0.5, 0.8, 0.4, 0.1, 0.3, 1, 0, 0.6];
const options = { fps: 10, size: { width: 96, height: 80 } };

test('mouths of all kinds of speakers open with the loudness', () => {
  for (let seed = 0; seed < 10; seed++) {
    const found = mouthOpening(drawClip(randomScene('speaker', new SeededRandom(seed)), loudness, options));
    expect(correlation(found, loudness), `speaker ${seed}`).toBeGreaterThan(0.95);
    expect(correlation(found, other), `speaker ${seed}`).toBeLessThan(0.3);
  }
});

test('shapes of all colors grow with the loudness', () => {
  for (let seed = 0; seed < 10; seed++) {
    const scene = randomShapes(1, new SeededRandom(seed));
    const found = objectSize(drawClip(scene, loudness, options), scene.things[0]?.color ?? 'red');
    expect(correlation(found, loudness), `shape ${seed}`).toBeGreaterThan(0.98);
  }
});

test('the bars of a skyline rise with the loudness', () => {
  for (const ground of ['black', 'purple', 'blue', 'gray'] as const) {
    const scene = { kind: 'skyline', ground, lights: 'yellow' } as const;
    expect(correlation(barArea(drawClip(scene, loudness, options), 'yellow'), loudness), ground).toBeGreaterThan(0.98);
  }
});
