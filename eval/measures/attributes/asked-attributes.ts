import { type FilmedMoment, type Footage, type Picture, spacedMoments } from '../../footage.ts';
import {
  type ColorName,
  colorNames,
  colors,
  hairColors,
  hairNames,
  lightNames,
  type Rgb,
  shaded,
  skinTones,
  skyNames,
  waterNames,
} from '../../world/colors.ts';
import { waterLight } from '../../world/draw.ts';
import type { Omission } from '../../world/prompt.ts';
import type { Scene, Shapes, Speaker } from '../../world/scene.ts';
import { faceHeight, headPlace, headScale } from '../../world/speaker.ts';
import { showsBeard, showsGlasses } from '../faces/glasses-and-beards.ts';
import { median } from '../motion/series.ts';
import {
  colorIn,
  nearestColor,
  nearestColorName,
  pixelAt,
  pixelsIn,
  type Region,
  worldHeight,
  worldWidth,
} from '../pixels.ts';
import { type FoundObject, findObjects } from './objects.ts';
import { sceneKindOf } from './scene-kind.ts';
import { shapeOf } from './shape-class.ts';

/** Something a prompt asked for, and whether the clip shows it. */
export interface Attribute {
  /** E.g. `shirt`, `background`, `shape`. */
  readonly name: string;
  readonly asked: string;
  readonly found: string;
  readonly met: boolean;
}

/** Frames looked at; what most of them show is what the clip shows. */
const looks = 5;

/** Every attribute the prompt named, looked for in the clip. */
export function askedAttributes(
  scene: Scene,
  footage: Footage,
  omitted: ReadonlySet<Omission> = new Set(),
): Attribute[] {
  const moments = spacedMoments(footage, Math.min(looks, footage.frames.length));
  const frames = moments.map(({ picture }) => picture);
  const seen = (look: (picture: Picture) => string): string => mostFrequent(frames.map(look));
  const one = (name: string, asked: string, look: (picture: Picture) => string): Attribute => {
    const found = seen(look);
    return { name, asked, found, met: found === asked };
  };
  const attributes = [one('kind', scene.kind, (picture) => sceneKindOf(picture) ?? 'none')];
  if (!omitted.has('ground')) attributes.push(one('background', scene.ground, (picture) => groundOf(picture, scene)));
  if (scene.kind === 'speaker') {
    if (!omitted.has('shirt')) attributes.push(one('shirt', scene.shirt, shirtOf));
    if (!omitted.has('hair')) attributes.push(one('hair', hairOf(scene), (picture) => seenHair(picture, scene)));
    attributes.push(...faceAttributes(scene, moments, omitted));
  } else if (scene.kind === 'shapes') {
    attributes.push(...shapeAttributes(scene, frames));
  } else if (scene.kind === 'sea') {
    attributes.push(one('water', scene.water, waterOf));
  } else {
    attributes.push(one('bars', scene.lights, lightsOf));
  }
  return attributes;
}

/** The background's color by name. */
export function groundOf(picture: Picture, { kind }: Pick<Scene, 'kind'>): ColorName {
  const [width, height] = [worldWidth(picture), worldHeight(picture)];
  const side = kind === 'shapes' ? 0.93 : 0.78;
  const corner = (left: number, right: number): Rgb[] => {
    const bottom = kind === 'speaker' ? -0.5 : -0.8;
    return pixelsIn(picture, { left, right, top: -height, bottom }).map((index) => pixelAt(picture, index));
  };
  const pixels = [...corner(-width, -side * width), ...corner(side * width, width)];
  const channel = (axis: 0 | 1 | 2): number => median(pixels.map((pixel) => pixel[axis]));
  return nearestColor(
    [channel(0), channel(1), channel(2)],
    kind === 'sea' ? skyNames : colorNames,
    (name) => colors[name],
  );
}

function shirtOf(picture: Picture): ColorName {
  const bottom = Math.min(0.95, worldHeight(picture));
  return nearestColorName(colorIn(picture, { left: -0.36, right: 0.36, top: 0.74, bottom }));
}

function hairOf({ hair, hairStyle }: Speaker): string {
  return hairStyle === 'bald' ? 'bald' : hair;
}

/** The top of the head: hair in its color, or skin. */
function seenHair(picture: Picture, { person, hairStyle }: Speaker): string {
  if (hairStyle !== 'bald') {
    return nearestColor(colorIn(picture, topOfHead({ person }, -0.55, -0.48)), hairNames, (name) => hairColors[name]);
  }
  const seen = colorIn(picture, topOfHead({ person }, -0.42, -0.34));
  return nearestColor(seen, ['bald', ...hairNames] as const, (name) =>
    name === 'bald' ? skinTones : hairColors[name],
  );
}

/** Above the forehead, between two heights in the head's coordinates. */
function topOfHead({ person }: Pick<Speaker, 'person'>, top: number, bottom: number): Region {
  const scale = headScale(person);
  return { left: -0.13, right: 0.13, top: top * scale - faceHeight, bottom: bottom * scale - faceHeight };
}

/** Glasses and a beard, where they are asked for and can be told. */
function faceAttributes(scene: Speaker, moments: readonly FilmedMoment[], omitted: ReadonlySet<Omission>): Attribute[] {
  const one = (name: 'glasses' | 'beard', seen: readonly boolean[]): Attribute => {
    const met = seen.filter(Boolean).length * 2 > seen.length;
    return { name, asked: name, found: met ? name : 'none', met };
  };
  const heads = moments.map(({ picture, seconds }) => ({ picture, head: headPlace(scene, seconds) }));
  const found: Attribute[] = [];
  if (scene.glasses) {
    found.push(
      one(
        'glasses',
        heads.map(({ picture, head }) => showsGlasses(picture, head)),
      ),
    );
  }
  if (scene.beard) {
    const hair = (picture: Picture): Rgb =>
      omitted.has('hair') ? colorIn(picture, topOfHead(scene, -0.55, -0.48)) : hairColors[scene.hair];
    const beards = heads.map(({ picture, head }) => showsBeard(picture, head, hair(picture)));
    const told = beards.filter((beard) => beard !== undefined);
    if (told.length * 2 > beards.length) found.push(one('beard', told));
  }
  return found;
}

function waterOf(picture: Picture): ColorName {
  const width = worldWidth(picture);
  const region = { left: -width, right: width, top: 0.55, bottom: worldHeight(picture) };
  return nearestColor(colorIn(picture, region), waterNames, (name) =>
    waterLight.map((light) => shaded(colors[name], light)),
  );
}

function lightsOf(picture: Picture): ColorName {
  // The foot of the third bar right of the middle.
  const x = 2.5 * 0.27;
  const foot = colorIn(picture, { left: x - 0.06, right: x + 0.06, top: 0.84, bottom: 0.93 });
  return nearestColor(foot, lightNames, (name) => [0.65, 0.8, 1].map((light) => shaded(colors[name], light)));
}

/** For each thing asked for, whether its color is there, and whether what has the color has the shape. */
function shapeAttributes({ things }: Shapes, frames: readonly Picture[]): Attribute[] {
  const seen = frames.map((picture) => findObjects(picture).map((object) => ({ object, color: colorNameOf(object) })));
  return things.flatMap(({ color, shape }): Attribute[] => {
    const matches = seen.map((objects) => largest(objects.filter((found) => found.color === color)));
    const there = matches.filter((match) => match !== undefined);
    const hasColor = there.length * 2 > frames.length;
    const others = mostFrequent(seen.map((objects) => objects.map((found) => found.color).join(' and ')));
    const found = there.length === 0 ? 'none' : mostFrequent(there.map(({ object }) => shapeOf(object)));
    return [
      { name: 'color', asked: color, found: hasColor ? color : others || 'none', met: hasColor },
      { name: 'shape', asked: shape, found, met: hasColor && found === shape },
    ];
  });
}

function colorNameOf({ color }: FoundObject): ColorName {
  return nearestColorName(color);
}

function largest<Found extends { readonly object: FoundObject }>(found: readonly Found[]): Found | undefined {
  return found.toSorted((a, b) => b.object.pixels.length - a.object.pixels.length)[0];
}

function mostFrequent<Text extends string>(texts: readonly Text[]): Text {
  const counts = new Map<Text, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  const [first] = [...counts].sort((a, b) => b[1] - a[1]);
  if (first === undefined) throw new Error('nothing was seen');
  return first[0];
}
