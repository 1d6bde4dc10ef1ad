import type { SeededRandom } from '../seeded-random.ts';
import {
  type ColorName,
  colorNames,
  groundNames,
  type HairColor,
  hairNames,
  lightNames,
  nightNames,
  skinTones,
  skyNames,
  waterNames,
} from './colors.ts';

export const shapeNames = ['circle', 'square', 'triangle', 'star'] as const;
export type ShapeName = (typeof shapeNames)[number];
/** All shapes grow with the loudness; they bounce on the beat, rise with the pitch or spin as well. */
export type Motion = 'pulse' | 'bounce' | 'rise' | 'spin';
export type Person = 'woman' | 'man' | 'girl' | 'boy';
export type HairStyle = 'short' | 'long' | 'curly' | 'bald';

export interface Speaker {
  readonly kind: 'speaker';
  readonly ground: ColorName;
  readonly person: Person;
  readonly hair: HairColor;
  readonly hairStyle: HairStyle;
  readonly shirt: ColorName;
  /** Index of `skinTones`. */
  readonly skin: number;
  readonly glasses: boolean;
  /** Of the hair's color, also where the head is bald. */
  readonly beard: boolean;
}

export interface Thing {
  readonly shape: ShapeName;
  readonly color: ColorName;
  /** World coordinate of the middle. */
  readonly x: number;
  /** Radius at a loudness of about 0.8. */
  readonly size: number;
  readonly motion: Motion;
}

/** One to three shapes side by side. */
export interface Shapes {
  readonly kind: 'shapes';
  readonly ground: ColorName;
  readonly things: readonly Thing[];
}

export interface Sea {
  readonly kind: 'sea';
  /** Of the sky. */
  readonly ground: ColorName;
  readonly water: ColorName;
}

export interface Skyline {
  readonly kind: 'skyline';
  readonly ground: ColorName;
  readonly lights: ColorName;
}

/** What a prompt asks for and a drawing shows. */
export type Scene = Speaker | Shapes | Sea | Skyline;
export type SceneKind = Scene['kind'];

export function randomScene(kind: 'speaker', random: SeededRandom): Speaker;
export function randomScene(kind: SceneKind, random: SeededRandom): Scene;
export function randomScene(kind: SceneKind, random: SeededRandom): Scene {
  if (kind === 'speaker') return randomSpeaker(random);
  if (kind === 'shapes') return randomShapes(random.pick([1, 1, 1, 2, 2, 3]), random);
  if (kind === 'sea') return { kind, ground: random.pick(skyNames), water: random.pick(waterNames) };
  return { kind, ground: random.pick(nightNames), lights: random.pick(lightNames) };
}

function randomSpeaker(random: SeededRandom): Speaker {
  const ground = random.pick(groundNames);
  const person = random.pick(['woman', 'man', 'girl', 'boy'] as const);
  const styles: readonly HairStyle[] =
    person === 'woman' || person === 'girl' ? ['short', 'long', 'curly'] : ['short', 'short', 'curly', 'bald'];
  return {
    kind: 'speaker',
    ground,
    person,
    hair: random.pick(hairNames),
    hairStyle: random.pick(styles),
    shirt: random.pick(groundNames.filter((name) => name !== ground)),
    skin: random.integer(skinTones.length),
    glasses: random.chance(0.25),
    // The last draw: whoever has none looks as if there were no beards.
    beard: person === 'man' && random.chance(0.35),
  };
}

/** Shapes of `count` different colors. */
export function randomShapes(count: number, random: SeededRandom): Shapes {
  const ground = random.pick(groundNames);
  const taken = new Set<ColorName>([ground, 'brown']);
  const places = { 1: [0], 2: [-0.5, 0.5] }[count] ?? [-0.66, 0, 0.66];
  const things = places.map((x): Thing => {
    const color = random.pick(colorNames.filter((name) => !taken.has(name)));
    taken.add(color);
    return {
      shape: random.pick(shapeNames),
      color,
      x,
      size: { 1: 0.52, 2: 0.34 }[count] ?? 0.25,
      motion: random.chance(0.2) ? 'spin' : 'pulse',
    };
  });
  return { kind: 'shapes', ground, things };
}
