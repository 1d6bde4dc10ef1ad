import { expect, test } from 'vitest';
import type { Footage, Picture } from '../../footage.ts';
import { SeededRandom } from '../../seeded-random.ts';
import { drawClip, drawScene } from '../../world/draw.ts';
import { randomScene, type Speaker } from '../../world/scene.ts';
import { blinks } from '../../world/speaker.ts';
import { blurred } from '../edges/blurred.ts';
import { type FacePart, faceParts } from './face-parts.ts';

const usual = { width: 1024, height: 768 };
const half = { width: 512, height: 384 };
const speakers = Array.from({ length: 14 }, (_, seed) => randomScene('speaker', new SeededRandom(seed)));
const loudness = (at: number): number => 0.5 + 0.1 * (at % 6);

function partsIn(picture: Picture, scene: Speaker, loud: number): FacePart[] {
  return faceParts({ fps: 1, frames: [picture] }, scene, [loud]);
}

test.for([usual, half])('a drawing shows every part, one blurred much shows none: %o', async (size) => {
  for (const [at, scene] of speakers.entries()) {
    const picture = drawScene(scene, { seconds: 0, loudness: loudness(at) }, size);
    const parts = async (radius: number): Promise<FacePart[]> =>
      partsIn(await blurred(picture, (radius * size.width) / usual.width), scene, loudness(at));
    const what = JSON.stringify(scene);
    expect(
      partsIn(picture, scene, loudness(at)).filter(({ found }) => !found),
      what,
    ).toEqual([]);
    expect(
      (await parts(3)).filter(({ found }) => !found),
      what,
    ).toEqual([]);
    expect(
      (await parts(12)).filter(({ found }) => found),
      what,
    ).toEqual([]);
    expect(
      (await parts(20)).filter(({ found }) => found),
      what,
    ).toEqual([]);
  }
});

test('parts are found wherever the head sways, in a clip with blinks and a mouth that closes', () => {
  const loud = Array.from({ length: 12 }, (_, at) => (at % 3 === 0 ? 0.8 : 0));
  const fps = 4;
  expect(loud.some((_, at) => blinks(at / fps))).toBe(true);
  for (const scene of speakers.slice(0, 4)) {
    const parts = faceParts(drawClip(scene, loud, { fps, size: half }), scene, loud);
    expect(
      parts.filter(({ found }) => !found),
      JSON.stringify(scene),
    ).toEqual([]);
  }
});

test('what is not there is not found', () => {
  const [scene] = speakers;
  if (scene === undefined) throw new Error('there are speakers');
  const found = (footage: Footage): string[] =>
    faceParts(footage, scene, [0.8])
      .filter((part) => part.found)
      .map(({ name }) => name);
  const drawing = drawScene(scene, { seconds: 0, loudness: 0.8 }, half);
  const asleep = drawScene(scene, { seconds: 1.75, loudness: 0.8 }, half);
  expect(blinks(1.75)).toBe(true);
  expect(found({ fps: 1, frames: [drawing] })).toContain('left eye');
  expect(found({ fps: 1, frames: [asleep] })).not.toContain('left eye');
  const silent = drawScene(scene, { seconds: 0, loudness: 0 }, half);
  expect(found({ fps: 1, frames: [silent] })).not.toContain('mouth');
  const shapes = drawScene(randomScene('shapes', new SeededRandom(1)), { seconds: 0, loudness: 0.8 }, half);
  expect(found({ fps: 1, frames: [shapes] })).toEqual([]);
});

test('hair before a ground of its color has no outline to look for', () => {
  const [scene] = speakers;
  if (scene === undefined) throw new Error('there are speakers');
  const names = (ground: Speaker['ground']): string[] => {
    const asked = { ...scene, hairStyle: 'short', hair: 'black', ground } as const;
    return partsIn(drawScene(asked, { seconds: 0, loudness: 0.8 }, half), asked, 0.8).map(({ name }) => name);
  };
  expect(names('black')).toEqual(['left eye', 'right eye', 'mouth']);
  expect(names('white')).toEqual(['left eye', 'right eye', 'mouth', 'outline']);
});
