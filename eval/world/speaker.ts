import type { Canvas } from './canvas.ts';
import { colors, hairColors, mouthColor, type Rgb, shaded, skinTones } from './colors.ts';
import { box, circle, ellipse } from './distances.ts';
import type { Moment } from './draw.ts';
import type { Person, Speaker } from './scene.ts';

const eyeWhite: Rgb = [0.98, 0.98, 0.98];
const pupil: Rgb = [0.08, 0.08, 0.1];
const rim: Rgb = [0.05, 0.05, 0.05];
const lips: Rgb = [0.8, 0.36, 0.38];
const sway = 0.025;
/** How far the middle of the face is above the middle of the picture. */
export const faceHeight = 0.1;

/** Size of a head in world units, of which the picture's shorter side has two. */
export function headScale(person: Person): number {
  return person === 'girl' || person === 'boy' ? 1.1 : 1.25;
}

/** Head and shoulders; the mouth opens with the loudness. */
export function paintSpeaker(canvas: Canvas, scene: Speaker, { seconds, loudness }: Moment): void {
  const skin = skinTones[scene.skin] ?? skinTones[0];
  const hair = hairColors[scene.hair];
  const scale = headScale(scene.person);
  const aside = sway * Math.sin(1.3 * seconds);
  const nod = 0.012 * Math.sin(2.1 * seconds);
  /** Paints in coordinates of the head: the middle of the face is the origin. */
  const head = (distance: (x: number, y: number) => number, color: Rgb): void =>
    canvas.paint((x, y) => distance((x - aside) / scale, (y - nod + faceHeight) / scale), color);

  if (scene.hairStyle === 'long') head((x, y) => box(x, y - 0.18, 0.47, 0.6, 0.3), hair);
  const shoulders = scene.person === 'man' || scene.person === 'boy' ? 0.74 : 0.62;
  canvas.paint((x, y) => box(x - 0.4 * aside, y - 1.05, shoulders, 0.5, 0.25), colors[scene.shirt]);
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
  const lid = (seconds + 1) % 2.7 < 0.14 ? 0.012 : 0.075;
  for (const side of [-0.15, 0.15]) {
    head((x, y) => ellipse(x - side, y + 0.06, 0.085, lid), eyeWhite);
    head((x, y) => ellipse(x - side, y + 0.06, 0.045, Math.min(lid, 0.045)), pupil);
    if (scene.glasses) head((x, y) => Math.abs(circle(x - side, y + 0.06, 0.12)) - 0.018, rim);
  }
  if (scene.glasses) head((x, y) => box(x, y + 0.07, 0.045, 0.012), rim);
  head((x, y) => ellipse(x, y - 0.08, 0.035, 0.05), shaded(skin, 0.85));
  const opening = 0.014 + 0.125 * loudness ** 1.3;
  head((x, y) => ellipse(x, y - 0.24, 0.136, opening + 0.016), lips);
  head((x, y) => ellipse(x, y - 0.24, 0.12, opening), mouthColor);
}

const curls = [
  [-0.36, -0.12],
  [-0.27, -0.38],
  [0, -0.5],
  [0.27, -0.38],
  [0.36, -0.12],
] as const;
