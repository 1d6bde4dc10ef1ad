import { expect, test } from 'vitest';
import { SeededRandom } from '../seeded-random.ts';
import { promptFor } from '../world/prompt.ts';
import { randomScene, type Speaker } from '../world/scene.ts';
import { keptAttributes } from './kept-attributes.ts';

const scene: Speaker = {
  ...randomScene('speaker', new SeededRandom(1)),
  ground: 'green',
  person: 'woman',
  hair: 'red',
  hairStyle: 'long',
  shirt: 'blue',
  glasses: false,
  beard: false,
};
const kept = (text: string): boolean[] => keptAttributes(scene, new Set(), text);

test('a prompt keeps what it says itself, whatever it shows', () => {
  for (const [seed, kind] of (['speaker', 'shapes', 'sea', 'skyline'] as const).entries()) {
    const random = new SeededRandom(seed);
    const any = randomScene(kind, random);
    expect(keptAttributes(any, new Set(), promptFor(any, random)), kind).not.toContain(false);
  }
});

test('words may be apart from what they describe, but not far', () => {
  expect(
    kept('A woman, her long, shiny red hair down, wears a bright blue cotton shirt. The background is plain green.'),
  ).toEqual([true, true, true, true, true]);
});

test('a skyline is a skyline by any of its names', () => {
  const bars = { ...randomScene('skyline', new SeededRandom(2)), lights: 'yellow', ground: 'black' } as const;
  for (const text of [
    'A yellow equalizer against a black wall.',
    'Yellow bars rise and fall. The backdrop is black.',
    'a yellow equaliser skyline, black sky',
  ]) {
    expect(keptAttributes(bars, new Set(), text), text).toEqual([true, true, true]);
  }
  expect(keptAttributes(bars, new Set(), 'Red bars before a yellow wall')).toEqual([false, true, false]);
});

test('exchanged and missing attributes are noticed', () => {
  expect(kept('A woman with long blue hair and a red shirt, green background')).toEqual([
    true,
    true,
    false,
    false,
    true,
  ]);
  expect(kept('A man with long red hair and a blue shirt')).toEqual([false, true, true, true, false]);
});

test('what was not asked for need not be kept', () => {
  expect(keptAttributes(scene, new Set(['hair', 'ground']), 'a woman in a blue shirt')).toEqual([true, true]);
});
