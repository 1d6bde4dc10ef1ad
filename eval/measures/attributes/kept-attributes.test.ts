import { expect, test } from 'vitest';
import { SeededRandom } from '../../seeded-random.ts';
import { type Omission, promptFor } from '../../world/prompt.ts';
import { type Motion, randomScene, randomShapes, type Scene, type Shapes, type Speaker } from '../../world/scene.ts';
import { keptAttributes } from './kept-attributes.ts';

const woman: Speaker = {
  ...randomScene('speaker', new SeededRandom(1)),
  ground: 'green',
  person: 'woman',
  hair: 'red',
  hairStyle: 'long',
  shirt: 'blue',
  glasses: false,
  beard: false,
};
const man: Speaker = { ...woman, person: 'man', hair: 'gray', hairStyle: 'short', glasses: true, beard: true };
const motions: readonly Motion[] = ['pulse', 'bounce', 'rise', 'spin'];

/** Names of the attributes that a text lost. */
function lost(scene: Scene, text: string, omitted: readonly Omission[] = []): string[] {
  return keptAttributes(scene, new Set(omitted), text)
    .filter(({ met }) => !met)
    .map(({ name }) => name);
}

/** A red circle and a blue star with motions of their own. */
function shapes(first: Motion, second: Motion): Shapes {
  const thing = { x: 0, size: 0.3 };
  return {
    kind: 'shapes',
    ground: 'white',
    things: [
      { ...thing, color: 'red', shape: 'circle', motion: first },
      { ...thing, color: 'blue', shape: 'star', motion: second },
    ],
  };
}

test('a prompt keeps what it says itself, whatever it shows', () => {
  for (let seed = 0; seed < 40; seed++) {
    const random = new SeededRandom(seed);
    const any = randomScene((['speaker', 'shapes', 'sea', 'skyline'] as const)[seed % 4] ?? 'speaker', random);
    const scene: Scene =
      any.kind === 'shapes'
        ? { ...any, things: any.things.map((one) => ({ ...one, motion: random.pick(motions) })) }
        : any;
    const prompt = promptFor(scene, random);
    expect(lost(scene, prompt), prompt).toEqual([]);
  }
});

test('attributes are counted by name', () => {
  const names = (scene: Scene): string[] => keptAttributes(scene, new Set(), '').map(({ name }) => name);
  expect(names(man)).toEqual(['person', 'style', 'hair', 'shirt', 'glasses', 'beard', 'background']);
  expect(names(woman)).toEqual(['person', 'style', 'hair', 'shirt', 'background']);
  expect(names(randomShapes(1, new SeededRandom(1)))).toEqual(['shape', 'color', 'motion', 'background']);
  expect(names(randomScene('sea', new SeededRandom(1)))).toEqual(['water', 'background']);
  expect(names(randomScene('skyline', new SeededRandom(1)))).toEqual(['lights', 'skyline', 'background']);
  for (const scene of [man, shapes('spin', 'rise')]) {
    expect(keptAttributes(scene, new Set(), '').some(({ met }) => met)).toBe(false);
  }
});

test('words may be apart from what they describe, but not far', () => {
  for (const text of [
    'A woman, her long, shiny red hair down, wears a bright blue cotton shirt. The background is plain green.',
    'A long-haired woman with red hair is talking on green. She is dressed in blue.',
    'A red-haired woman with long hair in a blue shirt against a green wall.',
  ]) {
    expect(lost(woman, text), text).toEqual([]);
  }
});

test('exchanged and missing attributes are noticed', () => {
  expect(lost(woman, 'A woman with long blue hair and a red shirt, green background')).toEqual(['hair', 'shirt']);
  expect(lost(woman, 'A man with long red hair and a blue shirt')).toEqual(['person', 'background']);
  expect(lost(woman, 'A woman with short red hair in a blue shirt on green.')).toEqual(['style']);
});

test('glasses and beards are kept or lost', () => {
  const words = 'A man with short gray hair in a blue shirt, green background.';
  expect(lost(man, words)).toEqual(['glasses', 'beard']);
  expect(lost(man, `${words} He has a beard and wears glasses.`)).toEqual([]);
  expect(lost(man, words.replace('A man', 'A bearded man with glasses and'))).toEqual([]);
  const everything: Omission[] = ['hair', 'shirt', 'ground'];
  expect(lost({ ...man, glasses: false }, 'A man with a beard talks.', everything)).toEqual([]);
  expect(lost({ ...man, glasses: false }, 'A man with a bald head talks.', everything)).toEqual(['beard']);
});

test('who is bald may have a beard of a color', () => {
  const bald: Speaker = { ...man, hairStyle: 'bald', glasses: false };
  const words = 'in a blue shirt, green background';
  expect(lost(bald, `A bald man with a gray beard ${words}`)).toEqual([]);
  expect(lost(bald, `A man with no hair and a gray beard ${words}`)).toEqual([]);
  expect(lost(bald, `A man with a beard ${words}`)).toEqual(['style', 'hair']);
});

test('curls are curly hair, and a blonde woman has blonde hair', () => {
  const words = 'in a blue shirt, green background';
  expect(lost({ ...woman, hairStyle: 'curly' }, `A woman with red curls ${words}`)).toEqual([]);
  expect(lost(woman, `A woman with red curls ${words}`)).toEqual(['style', 'hair']);
  expect(lost({ ...woman, hair: 'blonde' }, `A blonde woman with long hair ${words}`)).toEqual([]);
});

test('every shape has its color and its motion', () => {
  const scene = shapes('spin', 'bounce');
  for (const text of [
    'A red circle that spins slowly and a blue star that bounces on the beat, white background.',
    'There are a red circle and a blue star on white. The circle is turning around and the star is jumping.',
  ]) {
    expect(lost(scene, text), text).toEqual([]);
  }
  const exchanged = 'A red circle that bounces and a blue star that spins, white background.';
  expect(lost(scene, exchanged)).toEqual(['motion', 'motion']);
  expect(lost(scene, 'A blue circle spins and a red star bounces, white background.')).toEqual(['color', 'color']);
  expect(lost(scene, 'A red circle spins, white background.')).toEqual(['shape', 'color', 'motion']);
});

test('shapes may move together, and a single one is it', () => {
  const scene = shapes('pulse', 'pulse');
  expect(lost(scene, 'A red circle and a blue star grow and shrink with the sound, white background.')).toEqual([]);
  expect(lost(scene, 'There are a red circle and a blue star on white. Both are pulsing.')).toEqual([]);
  expect(lost(scene, 'There are a red circle and a blue star on white. Both are spinning.')).toEqual([
    'motion',
    'motion',
  ]);
  const [circle] = scene.things;
  if (circle === undefined) throw new Error('there are things');
  const single: Shapes = { ...scene, things: [{ ...circle, motion: 'rise' }] };
  expect(lost(single, 'There is a red circle on white. It is moving up with the pitch.')).toEqual([]);
  expect(lost(single, 'There is a red circle on white. It is pulsing with the sound.')).toEqual(['motion']);
});

test('a skyline is a skyline by any of its names', () => {
  const bars = { ...randomScene('skyline', new SeededRandom(2)), lights: 'yellow', ground: 'black' } as const;
  for (const text of [
    'A yellow equalizer against a black wall.',
    'Yellow bars rise and fall. The backdrop is black.',
    'a yellow equaliser skyline, black sky',
  ]) {
    expect(lost(bars, text), text).toEqual([]);
  }
  expect(lost(bars, 'Red bars before a yellow wall')).toEqual(['lights', 'background']);
});

test('what was not asked for need not be kept', () => {
  expect(lost(woman, 'a woman in a blue shirt', ['hair', 'ground'])).toEqual([]);
});
