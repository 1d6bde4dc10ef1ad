import type { Omission } from '../../world/prompt.ts';
import type { Motion, Scene, Shapes, Speaker, Thing } from '../../world/scene.ts';

/** Something that a prompt named, and whether a longer text names it as well. */
export interface KeptAttribute {
  /** E.g. `shirt`, `beard`, `motion`. */
  readonly name: string;
  readonly met: boolean;
}

/** For each attribute that a prompt named, whether a longer text names it as well, near what it belongs to. */
export function keptAttributes(scene: Scene, omitted: ReadonlySet<Omission>, text: string): KeptAttribute[] {
  const kept = (name: string, ...patterns: readonly string[]): KeptAttribute => ({ name, met: says(text, patterns) });
  const { ground } = scene;
  const background = omitted.has('ground')
    ? []
    : [kept('background', ...describes(ground, 'background|sky|backdrop|ground|wall'), `on ${ground}(?=[.,]|$| and)`)];
  switch (scene.kind) {
    case 'speaker':
      return [...ofSpeaker(scene, omitted, kept), ...background];
    case 'shapes':
      return [...ofShapes(scene, text, kept), ...background];
    case 'sea':
      return [kept('water', ...describes(scene.water, 'sea|water|waves?|ocean')), ...background];
    case 'skyline':
      return [kept('lights', ...describes(scene.lights, skyline)), kept('skyline', `(?:${skyline})`), ...background];
  }
}

/** Bars that move with the sound are what the world calls a skyline. */
const skyline = 'bars?|skyline|equali[sz]er';

/** Whether a text has one of the patterns, under a name. */
type Kept = (name: string, ...patterns: readonly string[]) => KeptAttribute;

function ofSpeaker(scene: Speaker, omitted: ReadonlySet<Omission>, kept: Kept): KeptAttribute[] {
  const { person, shirt } = scene;
  return [
    kept('person', person),
    ...(omitted.has('hair') ? [] : hairOf(scene, kept)),
    ...(omitted.has('shirt') ? [] : [kept('shirt', ...describes(shirt, 'shirt'), `dressed in ${shirt}`)]),
    ...(scene.glasses ? [kept('glasses', 'glasses')] : []),
    ...(scene.beard ? [kept('beard', 'beard(?:ed)?')] : []),
  ];
}

/** Style and color; who is bald has the color in the beard alone. */
function hairOf({ person, hair, hairStyle, beard }: Speaker, kept: Kept): KeptAttribute[] {
  if (hairStyle === 'bald') {
    const bald = kept('style', ...describes('bald', `head|${person}`), 'no hair');
    return beard ? [bald, kept('hair', ...describes(hair, 'beard'))] : [bald];
  }
  const curls = hairStyle === 'curly' ? ['curls'] : [];
  const blonde = hair === 'blonde' ? [`blonde?(?:-haired)? ${person}`] : [];
  return [
    kept('style', ...describes(hairStyle, 'hair'), `${hairStyle}-haired`, ...curls),
    kept('hair', ...describes(hair, ['hair', ...curls].join('|')), `${hair}-haired`, ...blonde),
  ];
}

function ofShapes({ things }: Shapes, text: string, kept: Kept): KeptAttribute[] {
  return things.flatMap((thing) => [
    kept('shape', thing.shape),
    kept('color', ...describes(thing.color, thing.shape)),
    { name: 'motion', met: movesAs(thing, things, text) },
  ]);
}

/** Verbs of each motion, in all their forms. */
const motionVerbs: Readonly<Record<Motion, string>> = {
  pulse: 'puls(?:es?|ing)|grow(?:s|ing)? and shrink(?:s|ing)?|throb(?:s|bing)?',
  bounce: 'bounc(?:es?|ing)|jump(?:s|ing)?',
  rise: 'ris(?:es?|ing)|mov(?:es?|ing) up',
  spin: 'spin(?:s|ning)?|turn(?:s|ing)?|rotat(?:es?|ing)',
};
const anyMotion = Object.values(motionVerbs).join('|');

/** Whether the first verb of motion that follows a thing's name within a sentence is its own; "it" is a single thing. */
function movesAs(thing: Thing, things: readonly Thing[], text: string): boolean {
  const own = motionVerbs[thing.motion];
  if (things.length === 1) return says(text, [own]) && !says(text, [otherMotions(thing.motion)]);
  const alike = things.every(({ motion }) => motion === thing.motion);
  if (alike && says(text, [`(?:both|all three|they all) (?:are )?(?:${own})`])) return true;
  const unique = things.filter(({ shape }) => shape === thing.shape).length === 1;
  const name = `${unique ? '' : `${thing.color} `}${thing.shape}`;
  return says(text, [`${name}\\b(?:(?!\\b(?:${anyMotion})\\b)[^.])*\\b(?:${own})`]);
}

function otherMotions(motion: Motion): string {
  return Object.entries(motionVerbs)
    .filter(([name]) => name !== motion)
    .map(([, verbs]) => verbs)
    .join('|');
}

/** What a description must not be carried past. */
const anyNoun =
  'hair|curls|beard|glasses|head|shirt|background|backdrop|sky|wall|sea|water|waves|bars|circle|square|triangle|star';
/** What may stand between a noun and its description after it. */
const link = 'is|are|was|of|in|a|an|the|all|very|plain|bright|dark|deep|light|soft';

/** `word` a few words before one of the nouns, or after it as in "the shirt is a bright red". */
function describes(word: string, nouns: string): string[] {
  return [
    `${word}\\b[ ,]+(?:(?!(?:${anyNoun})\\b)[\\w'-]+[ ,]+){0,3}(?:${nouns})`,
    `(?:${nouns}) (?:(?:${link}) ){1,3}${word}`,
  ];
}

function says(text: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => new RegExp(`\\b(?:${pattern})(?!\\w)`, 'i').test(text));
}
