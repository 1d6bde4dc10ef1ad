import { expect, test } from 'vitest';
import type { Footage } from '../../footage.ts';
import { SeededRandom } from '../../seeded-random.ts';
import { drawClip, drawScene } from '../../world/draw.ts';
import { randomScene, type Scene, shapeNames } from '../../world/scene.ts';
import { askedAttributes } from './asked-attributes.ts';
import { sceneKindOf } from './scene-kind.ts';

const drawn = (scene: Scene): Footage =>
  drawClip(scene, [0.3, 0.6, 0.9], { fps: 10, size: { width: 128, height: 96 } });
const kinds = ['speaker', 'speaker', 'shapes', 'shapes', 'sea', 'skyline'] as const;
const scenes = Array.from({ length: 24 }, (_, seed) =>
  randomScene(kinds[seed % kinds.length] ?? 'speaker', new SeededRandom(seed)),
);

test('everything that a drawing shows is found in it', () => {
  for (const scene of scenes) {
    const missed = askedAttributes(scene, drawn(scene)).filter(({ met }) => !met);
    expect(missed, JSON.stringify(scene)).toEqual([]);
  }
});

test('little of what another scene shows is found', () => {
  const found = scenes.flatMap((scene, at) => askedAttributes(scenes[(at + 1) % scenes.length] ?? scene, drawn(scene)));
  expect(found.filter(({ met }) => met).length / found.length).toBeLessThan(0.35);
});

test('what a prompt leaves out is not looked for', () => {
  const scene = { ...randomScene('speaker', new SeededRandom(1)), glasses: false, beard: false };
  const names = (...omitted: ('hair' | 'shirt' | 'ground')[]): string[] =>
    askedAttributes(scene, drawn(scene), new Set(omitted)).map(({ name }) => name);
  expect(names()).toEqual(['kind', 'background', 'shirt', 'hair']);
  expect(names('hair', 'ground')).toEqual(['kind', 'shirt']);
});

test('shapes are told apart, however they are turned', () => {
  for (const shape of shapeNames) {
    for (const seconds of [0, 0.1, 0.2, 0.3, 0.4]) {
      const thing = { shape, color: 'red', x: 0.1, size: 0.4, motion: 'spin' } as const;
      const scene: Scene = { kind: 'shapes', ground: 'gray', things: [thing] };
      const picture = drawScene(scene, { seconds, loudness: 0.5 }, { width: 96, height: 96 });
      expect(askedAttributes(scene, { fps: 10, frames: [picture] }).at(-1)?.found).toBe(shape);
    }
  }
});

test('an empty picture is of no kind', () => {
  const size = { width: 64, height: 64 };
  expect(sceneKindOf({ ...size, rgb: new Uint8Array(64 * 64 * 3).fill(90) })).toBeUndefined();
});
