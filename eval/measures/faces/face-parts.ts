import { elementAt } from '../../../src/shared/element-at.ts';
import { type Footage, frameOf, type Picture } from '../../footage.ts';
import { colorDistance, colors, hairColors, skinTones } from '../../world/colors.ts';
import type { Speaker } from '../../world/scene.ts';
import {
  blinks,
  eyeMiddles,
  type HeadPlace,
  headOutline,
  headPlace,
  mouthMiddle,
  openingAt,
} from '../../world/speaker.ts';
import { alongRay, edgeAlong, type Ray } from '../edges/edges-along-rays.ts';
import { median } from '../motion/series.ts';
import { chroma, luma, medianColor, worldHeight } from '../pixels.ts';
import { skinToneOf } from './skin-tone.ts';

/** A part of a speaker, and whether a clip shows it clearly. */
export interface FacePart {
  readonly name: 'left eye' | 'right eye' | 'mouth' | 'outline';
  readonly found: boolean;
}

/** Frames looked at; what most of them show is what the clip shows. */
const looks = 5;
/** What the steepness of an edge has to be: a drawing's is 1, this is that of one blurred by 0.018 world units. */
const minSteepness = 0.6;
/** The same of eyes, which are so small that even a blur changes much on the short way across them. */
const minEyeSteepness = 0.7;
/** Hair and ground that are nearer to each other than this have no outline to be seen. */
const minContrast = 0.25;

/** The lightest skin has a chroma of 0.25, the white of an eye none. */
const maxWhiteChroma = 0.18;

/** One frame of a speaker. */
interface Look {
  readonly picture: Picture;
  readonly head: HeadPlace;
  /** Of the sound, 0…1. */
  readonly loudness: number;
}

/**
 * Which parts of a speaker a clip shows clearly: both eyes (white around a dark pupil), the mouth where it is open (dark and
 * red inside), and the outline of the hair, or of a bald head, before the background; each with a steep edge, which a blur
 * has not got. Eyes are not looked for in a blink, nor the outline where its colors are alike.
 *
 * @param loudness of the sound at each frame, 0…1
 */
export function faceParts(footage: Footage, scene: Speaker, loudness: readonly number[]): FacePart[] {
  const times = footage.frames.map((_, index) => ({ index, seconds: index / footage.fps }));
  const look = ({ index, seconds }: { readonly index: number; readonly seconds: number }): Look => ({
    picture: frameOf(footage, index),
    head: headPlace(scene, seconds),
    loudness: elementAt(loudness, index),
  });
  const awake = spaced(times.filter(({ seconds }) => !blinks(seconds))).map(look);
  const loud = times
    .map(look)
    .sort((a, b) => b.loudness - a.loudness)
    .slice(0, looks);
  const [left, right] = eyeMiddles;
  const parts: FacePart[] = [
    { name: 'left eye', found: inMost(awake, (at) => showsEye(at, left)) },
    { name: 'right eye', found: inMost(awake, (at) => showsEye(at, right)) },
    { name: 'mouth', found: inMost(loud, showsMouth) },
  ];
  const skin = elementAt(skinTones, skinToneOf(footage, scene));
  const color = scene.hairStyle === 'bald' ? skin : hairColors[scene.hair];
  const contrast = colorDistance(color, colors[scene.ground]);
  if (contrast < minContrast) return parts;
  return [...parts, { name: 'outline', found: inMost(awake, (at) => showsOutline(at, scene, contrast)) }];
}

function spaced<T>(all: readonly T[]): T[] {
  const count = Math.min(looks, all.length);
  return all.filter((_, at) => Math.floor((at * count) / all.length) !== Math.floor(((at - 1) * count) / all.length));
}

function inMost(all: readonly Look[], shows: (look: Look) => boolean): boolean {
  return all.filter(shows).length * 2 > all.length;
}

/** An eye near where it should be: wherever its pupil is darkest and what is around it lightest. */
function showsEye({ picture, head }: Look, [x, y]: readonly [number, number]): boolean {
  const offsets = [-0.04, -0.02, 0, 0.02, 0.04];
  const places = offsets.flatMap((down) => offsets.map((aside): [number, number] => [x + aside, y + down]));
  const [best] = places
    .map((from) => eyeAt(picture, head, from))
    .sort((a, b) => b.white - b.pupil - (a.white - a.pupil));
  return best !== undefined && best.white > 0.65 && best.pupil < 0.35 && best.steepness > minEyeSteepness;
}

/** Light of the pupil and of the white around it, and the median steepness between them. */
function eyeAt(picture: Picture, head: HeadPlace, from: readonly [number, number]) {
  const rays = angles(0, 2 * Math.PI, 8).map((angle) => alongRay(picture, head, { from, angle, start: 0, end: 0.075 }));
  const lightest = rays.map((ray) => Math.max(...ray.filter((color) => chroma(color) < maxWhiteChroma).map(luma), 0));
  return {
    pupil: median(rays.map(([middle = [1, 1, 1]]) => luma(middle))),
    white: median(lightest),
    steepness: median(rays.map((ray) => edgeAlong(ray).steepness)),
  };
}

/** Above and below the middle of an open mouth, beside the nose: red and dark, then steeply the lips and the skin. */
function showsMouth({ picture, head, loudness }: Look): boolean {
  const [x, y] = mouthMiddle;
  const opening = openingAt(loudness);
  const rays = [-0.055, 0.055].flatMap((aside) =>
    [-Math.PI / 2, Math.PI / 2].map(
      (angle): Ray => ({ from: [x + aside, y], angle, start: 0.3 * opening, end: opening + 0.07 }),
    ),
  );
  const seen = rays.map((ray) => alongRay(picture, head, ray));
  const inside = medianColor(seen.map(([first = [1, 1, 1]]) => first));
  const dark = luma(inside) < 0.33 && inside[0] - inside[1] > 0.16;
  return dark && median(seen.map((ray) => edgeAlong(ray).steepness)) > minSteepness;
}

/** In most directions from the face upwards, hair ends steeply, and what is behind it has another color. */
function showsOutline({ picture, head }: Look, scene: Speaker, contrast: number): boolean {
  const outline = headOutline(scene);
  const from = [0, -0.08] as const;
  const rays = angles(-0.78 * Math.PI, -0.22 * Math.PI, 9).flatMap((angle): Ray[] => {
    const radius = radiusWhere((at) => outline(from[0] + at * Math.cos(angle), from[1] + at * Math.sin(angle)));
    const top = head.down + head.scale * (from[1] + (radius + 0.06) * Math.sin(angle));
    // Curls reach to the edge of the picture.
    return top < -worldHeight(picture) ? [] : [{ from, angle, start: radius - 0.12, end: radius + 0.12 }];
  });
  const steep = rays.filter((ray) => {
    const edge = edgeAlong(alongRay(picture, head, ray));
    return edge.steepness > minSteepness && edge.contrast > 0.5 * contrast;
  });
  return steep.length > 0.6 * rays.length;
}

/** The farthest radius at which a distance is not positive. */
function radiusWhere(distance: (radius: number) => number): number {
  let radius = 1;
  while (radius > 0 && distance(radius) > 0) radius -= 0.002;
  return radius;
}

/** `count` angles from `first` on, the last one short of `end`. */
function angles(first: number, end: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => first + ((end - first) * (at + 0.5)) / count);
}
