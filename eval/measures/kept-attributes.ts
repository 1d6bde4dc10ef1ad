import type { Omission } from '../world/prompt.ts';
import type { Scene } from '../world/scene.ts';

/** For each attribute that a prompt named, whether a longer text names it as well, near what it belongs to. */
export function keptAttributes(scene: Scene, omitted: ReadonlySet<Omission>, text: string): boolean[] {
  return attributesOf(scene, omitted).map(([word, of]) => saysOf(text, word, of));
}

/** Words and the nouns they describe, any one of the alternatives; a noun alone has no description. */
function attributesOf(scene: Scene, omitted: ReadonlySet<Omission>): [word: string, of?: string][] {
  const ground: [string, string][] = omitted.has('ground')
    ? []
    : [[scene.ground, 'background|sky|backdrop|ground|wall']];
  switch (scene.kind) {
    case 'speaker': {
      const hair: [string, string][] =
        scene.hairStyle === 'bald' ? [['bald', `head|${scene.person}`]] : hairOf(scene.hairStyle, scene.hair);
      return [
        [scene.person],
        ...(omitted.has('hair') ? [] : hair),
        ...(omitted.has('shirt') ? [] : [[scene.shirt, 'shirt'] as [string, string]]),
        ...(scene.glasses ? [['glasses'] as [string]] : []),
        ...ground,
      ];
    }
    case 'shapes':
      return [...scene.things.map(({ color, shape }): [string, string] => [color, shape]), ...ground];
    case 'sea':
      return [[scene.water, 'sea|water|waves?|ocean'], ...ground];
    case 'skyline':
      return [[scene.lights, skyline], [`(?:${skyline})`], ...ground];
  }
}

/** Bars that move with the sound are what the world calls a skyline. */
const skyline = 'bars?|skyline|equali[sz]er';

function hairOf(style: string, color: string): [string, string][] {
  return [
    [style, 'hair'],
    [color, 'hair'],
  ];
}

/** What a description must not be carried past. */
const anyNoun = 'hair|head|shirt|background|backdrop|sky|wall|sea|water|waves|bars|circle|square|triangle|star';
/** What may stand between a noun and its description after it. */
const link = 'is|are|was|of|in|a|an|the|all|very|plain|bright|dark|deep|light|soft';

/** Whether `word` stands a few words before one of the nouns, or after it as in "the shirt is a bright red". */
function saysOf(text: string, word: string, nouns?: string): boolean {
  if (nouns === undefined) return new RegExp(`\\b${word}\\b`, 'i').test(text);
  const before = `\\b${word}\\b[ ,]+(?:(?!(?:${anyNoun})\\b)[\\w'-]+[ ,]+){0,3}(?:${nouns})\\b`;
  const after = `\\b(?:${nouns}) (?:(?:${link}) ){1,3}${word}\\b`;
  return new RegExp(`${before}|${after}`, 'i').test(text);
}
