import { elementAt } from '../../src/shared/element-at.ts';
import type { SeededRandom } from '../seeded-random.ts';
import type { Motion, Scene, Speaker, Thing } from './scene.ts';

/** What a prompt may leave to the model. */
export type Omission = 'hair' | 'shirt' | 'ground';

const speaking = ['speaks to the camera', 'talks to the camera', 'is speaking to the camera', 'is talking'];
const motions: Readonly<Record<Motion, readonly string[]>> = {
  pulse: ['pulses with the sound', 'grows and shrinks with the sound', 'throbs to the loudness'],
  bounce: ['bounces on the beat', 'jumps with every beat'],
  rise: ['rises with the pitch', 'moves up as the pitch climbs'],
  spin: ['spins slowly'],
};

/** A prompt for a scene, in the words of the drawn world. */
export function promptFor(scene: Scene, random: SeededRandom, omitted: ReadonlySet<Omission> = new Set()): string {
  const ground = omitted.has('ground') ? '' : `, ${scene.ground} ${scene.kind === 'sea' ? 'sky' : 'background'}`;
  switch (scene.kind) {
    case 'speaker':
      return `${personWords(scene, omitted)} ${random.pick(speaking)}${ground}`;
    case 'shapes':
      return `${joined(scene.things.map((thing) => thingWords(thing, random)))}${ground}`;
    case 'sea':
      return `${article(`${scene.water} sea`)} whose waves ${random.pick(['rise', 'swell'])} with the sound${ground}`;
    case 'skyline':
      return `a skyline of ${scene.lights} bars ${random.pick(['dancing', 'moving'])} to the sound${ground}`;
  }
}

/** A speaker by looks, as "a man with short red hair, a blue shirt and a beard". */
export function personWords(scene: Speaker, omitted: ReadonlySet<Omission>): string {
  const hair = scene.hairStyle === 'bald' ? 'a bald head' : `${scene.hairStyle} ${scene.hair} hair`;
  const features = [
    ...(omitted.has('hair') ? [] : [hair]),
    ...(omitted.has('shirt') ? [] : [article(`${scene.shirt} shirt`)]),
    ...(scene.glasses ? ['glasses'] : []),
    ...(scene.beard
      ? [scene.hairStyle === 'bald' && !omitted.has('hair') ? article(`${scene.hair} beard`) : 'a beard']
      : []),
  ];
  return article(features.length === 0 ? scene.person : `${scene.person} with ${joined(features)}`);
}

function thingWords({ color, shape, motion }: Thing, random: SeededRandom): string {
  return `${article(`${color} ${shape}`)} that ${random.pick(motions[motion])}`;
}

function article(words: string): string {
  return `${/^[aeiou]/.test(words) ? 'an' : 'a'} ${words}`;
}

function joined(parts: readonly string[]): string {
  const last = elementAt(parts, parts.length - 1);
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(', ')} and ${last}`;
}
