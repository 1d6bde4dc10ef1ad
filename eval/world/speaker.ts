import { elementAt } from '../../src/shared/element-at.ts';
import type { Canvas, Distance } from './canvas.ts';
import { colors, hairColors, mouthColor, type Rgb, shaded, skinTones } from './colors.ts';
import { box, circle, ellipse } from './distances.ts';
import type { Moment } from './draw.ts';
import type { Person, Speaker } from './scene.ts';

const eyeWhite: Rgb = [0.98, 0.98, 0.98];
const pupil: Rgb = [0.08, 0.08, 0.1];
/** Of glasses. */
export const rimColor: Rgb = [0.05, 0.05, 0.05];
const lips: Rgb = [0.8, 0.36, 0.38];
const sway = 0.025;
/** How far the middle of the face is above the middle of the picture. */
export const faceHeight = 0.1;

/** Size of a head in world units, of which the picture's shorter side has two. */
export function headScale(person: Person): number {
  return person === 'girl' || person === 'boy' ? 1.1 : 1.25;
}

/** Middles of both eyes, seen from the middle of the face, in units of the head's scale. */
export const eyeMiddles = [
  [-0.15, -0.06],
  [0.15, -0.06],
] as const;

/** The same for the mouth. */
export const mouthMiddle = [0, 0.24] as const;

/** Half the height of a mouth at a loudness of 0…1, in units of the head's scale, without the lips. */
export function openingAt(loudness: number): number {
  return 0.014 + 0.125 * loudness ** 1.3;
}

/** How far a point, seen from the middle of the face, is outside of the face and of the hair above it. */
export function headOutline({ hairStyle }: Pick<Speaker, 'hairStyle'>): Distance {
  if (hairStyle === 'bald') return (x, y) => ellipse(x, y, 0.36, 0.46);
  if (hairStyle === 'curly') return (x, y) => Math.min(...curls.map(([dx, dy]) => circle(x - dx, y - dy, 0.2)));
  return (x, y) => ellipse(x, y + 0.08, 0.44, 0.52);
}

/** Where a head is. A point (x, y) of it, seen from the middle of the face, is at (right + scale·x, down + scale·y). */
export interface HeadPlace {
  /** World coordinates of the middle of the face. */
  readonly right: number;
  readonly down: number;
  readonly scale: number;
}

/** Where the head of a speaker is at a time: it sways and nods. */
export function headPlace({ person }: Pick<Speaker, 'person'>, seconds: number): HeadPlace {
  return {
    right: sway * Math.sin(1.3 * seconds),
    down: 0.012 * Math.sin(2.1 * seconds) - faceHeight,
    scale: headScale(person),
  };
}

/** Whether a speaker's eyes are closed at a time. */
export function blinks(seconds: number): boolean {
  return (seconds + 1) % 2.7 < 0.14;
}

/** Head and shoulders; the mouth opens with the loudness. */
export function paintSpeaker(canvas: Canvas, scene: Speaker, { seconds, loudness }: Moment): void {
  const skin = elementAt(skinTones, scene.skin);
  const hair = hairColors[scene.hair];
  const place = headPlace(scene, seconds);
  const paint = painter(canvas, place);
  const head = paint(0.58, -0.72, 0.8);
  const eyes = paint(0.29, -0.2, 0.09);
  const mouth = paint(0.18, 0.08, 0.42);

  if (scene.hairStyle === 'long') head((x, y) => box(x, y - 0.18, 0.47, 0.6, 0.3), hair);
  const shoulders = scene.person === 'man' || scene.person === 'boy' ? 0.74 : 0.62;
  const shirt = { left: -0.8, right: 0.8, top: 0.5, bottom: 1.6 };
  canvas.paint((x, y) => box(x - 0.4 * place.right, y - 1.05, shoulders, 0.5, 0.25), colors[scene.shirt], shirt);
  head((x, y) => box(x, y - 0.5, 0.13, 0.2, 0.05), shaded(skin, 0.92));
  if (scene.hairStyle === 'curly') {
    for (const [dx, dy] of curls) head((x, y) => circle(x - dx, y - dy, 0.2), hair);
  } else if (scene.hairStyle !== 'bald') {
    head((x, y) => ellipse(x, y + 0.08, 0.44, 0.52), hair);
  }
  head((x, y) => ellipse(x, y, 0.36, 0.46), skin);
  if (scene.hairStyle === 'short' || scene.hairStyle === 'long') {
    head((x, y) => Math.max(ellipse(x, y + 0.06, 0.4, 0.48), y + 0.24), hair);
  }
  if (scene.beard) {
    head((x, y) => Math.max(ellipse(x, y, 0.365, 0.465), 0.12 - y), hair);
    head((x, y) => ellipse(x, y - 0.22, 0.15, 0.12), skin);
  }
  const lid = blinks(seconds) ? 0.012 : 0.075;
  for (const [left, top] of eyeMiddles) {
    eyes((x, y) => ellipse(x - left, y - top, 0.085, lid), eyeWhite);
    eyes((x, y) => ellipse(x - left, y - top, 0.045, Math.min(lid, 0.045)), pupil);
    if (scene.glasses) eyes((x, y) => Math.abs(circle(x - left, y - top, 0.12)) - 0.018, rimColor);
  }
  if (scene.glasses) eyes((x, y) => box(x, y + 0.07, 0.045, 0.012), rimColor);
  paint(0.04, 0.02, 0.14)((x, y) => ellipse(x, y - 0.08, 0.035, 0.05), shaded(skin, 0.85));
  const opening = openingAt(loudness);
  const [, low] = mouthMiddle;
  mouth((x, y) => ellipse(x, y - low, 0.136, opening + 0.016), lips);
  mouth((x, y) => ellipse(x, y - low, 0.12, opening), mouthColor);
}

/** Paints parts of a head between a half width, a top and a bottom, all in its own coordinates. */
function painter(canvas: Canvas, { right, down, scale }: HeadPlace) {
  return (halfWidth: number, top: number, bottom: number) => {
    const within = {
      left: right - scale * halfWidth,
      right: right + scale * halfWidth,
      top: down + scale * top,
      bottom: down + scale * bottom,
    };
    return (distance: Distance, color: Rgb): void =>
      canvas.paint((x, y) => distance((x - right) / scale, (y - down) / scale), color, within);
  };
}

const curls = [
  [-0.36, -0.12],
  [-0.27, -0.38],
  [0, -0.5],
  [0.27, -0.38],
  [0.36, -0.12],
] as const;
