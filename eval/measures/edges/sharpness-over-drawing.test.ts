import { expect, test } from 'vitest';
import type { Footage } from '../../footage.ts';
import { SeededRandom } from '../../seeded-random.ts';
import { drawClip, drawScene } from '../../world/draw.ts';
import { randomScene, type Scene } from '../../world/scene.ts';
import { median } from '../motion/series.ts';
import { blurred } from './blurred.ts';
import { type Drawn, sharpnessOverDrawing } from './sharpness-over-drawing.ts';
import { strongEdges } from './strong-edges.ts';

const usual = { width: 1024, height: 768 };
const half = { width: 512, height: 384 };
const loudness = [0.2, 0.9, 0.5];
const kinds = ['speaker', 'speaker', 'shapes', 'speaker', 'sea', 'skyline'] as const;
const scenes = kinds.map((kind, seed) => randomScene(kind, new SeededRandom(seed)));

function drawn(scene: Scene, size: typeof usual, loud: readonly number[]): Footage {
  return drawClip(scene, loud, { fps: 2, size });
}

test('a drawing is as sharp as itself, whatever skin the clip chose', () => {
  for (const scene of scenes) {
    const asked: Drawn = { scene: scene.kind === 'speaker' ? { ...scene, skin: 0 } : scene, loudness };
    expect(sharpnessOverDrawing(drawn(scene, half, loudness), asked), JSON.stringify(scene)).toBe(1);
  }
});

test('what is drawn follows the sound', () => {
  const shape = scenes.find(({ kind }) => kind === 'shapes') ?? randomScene('shapes', new SeededRandom(2));
  const clip = drawn(shape, half, loudness);
  expect(sharpnessOverDrawing(clip, { scene: shape, loudness: [0, 0, 0] })).toBeGreaterThan(1.2);
});

test('what is blurred on purpose is not sharp', async () => {
  // In pixels of 512×384, which are two at the default size.
  const found = new Map<number, number[]>([1, 4, 6, 10].map((radius) => [radius, []]));
  for (const scene of scenes) {
    const clip = drawn(scene, half, [0.6]);
    for (const [radius, values] of found) {
      const frames = await Promise.all(clip.frames.map((picture) => blurred(picture, radius)));
      values.push(sharpnessOverDrawing({ ...clip, frames }, { scene, loudness: [0.6] }) ?? Number.NaN);
    }
  }
  const of = (radius: number): number[] => found.get(radius) ?? [];
  expect(median(of(1))).toBeGreaterThan(0.85);
  expect(median(of(4))).toBeLessThan(0.6);
  expect(Math.max(...of(6))).toBeLessThan(0.6);
  expect(Math.max(...of(10))).toBeLessThan(0.2);
});

test('where a drawing has hardly an edge, there is nothing to compare', () => {
  const thing = { shape: 'star', color: 'turquoise', x: 0, size: 0.5, motion: 'pulse' } as const;
  const scene: Scene = { kind: 'shapes', ground: 'gray', things: [thing] };
  expect(sharpnessOverDrawing(drawn(scene, half, loudness), { scene, loudness })).toBeUndefined();
});

test('pictures of different sizes have nearly equal edges', () => {
  for (const scene of scenes) {
    const edges = (size: typeof usual): number => strongEdges(drawScene(scene, { seconds: 0.5, loudness: 0.9 }, size));
    const exact = edges(usual);
    expect(edges(half) / exact).toBeGreaterThan(0.95);
    expect(edges(half) / exact).toBeLessThan(1.05);
    // A scale that is no whole number.
    expect(edges({ width: 640, height: 480 }) / exact).toBeGreaterThan(0.9);
  }
});

test('a plain picture has no edges, and a shade is none', () => {
  const size = { width: 300, height: 200 };
  const shade = Uint8Array.from({ length: 300 * 200 * 3 }, (_, at) => Math.floor((Math.floor(at / 3) % 300) / 1.5));
  expect(strongEdges({ ...size, rgb: new Uint8Array(300 * 200 * 3).fill(90) })).toBe(0);
  expect(strongEdges({ ...size, rgb: shade })).toBe(0);
});
