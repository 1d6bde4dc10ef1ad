import { elementAt } from '../../../src/shared/element-at.ts';
import type { Picture } from '../../footage.ts';
import { colorDistance, type Rgb, skinTones } from '../../world/colors.ts';
import type { HeadPlace } from '../../world/speaker.ts';
import { eyeMiddles, rimColor } from '../../world/speaker.ts';
import { median } from '../motion/series.ts';
import { colorAt, luma, type Region } from '../pixels.ts';
import { cheekColor, colorBesideMiddle, nearestTone } from './skin-tone.ts';

/** Beside the mouth and under the cheeks: where a beard is, however wide the mouth is open. */
const jaw: Region = { left: 0.18, right: 0.26, top: 0.16, bottom: 0.27 };
/** Hair nearer to the skin than this, in a clip whose colors are a little off, cannot be told from it. */
const tellable = 0.2;
/** Around the middle of an eye: outside its white, and out to the farthest that a rim reaches. */
const [ringStart, ringEnd] = [0.095, 0.15];
const directions = 24;

/** Whether a jaw has the color of hair rather than that of the cheeks; undefined where the two are too alike to tell. */
export function showsBeard(picture: Picture, head: HeadPlace, hair: Rgb): boolean | undefined {
  const skin = cheekColor(picture, head);
  if (colorDistance(elementAt(skinTones, nearestTone(skin)), hair) < tellable) return undefined;
  return shareOfWay(colorBesideMiddle(picture, head, jaw), skin, hair) > 0.5;
}

/** Whether dark rims go around both eyes: in most directions from an eye there is something dark outside its white. */
export function showsGlasses(picture: Picture, head: HeadPlace): boolean {
  const skin = luma(cheekColor(picture, head));
  return eyeMiddles.every((middle) => {
    const darkest = Array.from({ length: directions }, (_, at) =>
      darkestOutwards(picture, head, middle, (2 * Math.PI * at) / directions),
    );
    return median(darkest) < (skin + luma(rimColor)) / 2;
  });
}

/** The least light on the way through the ring around an eye. */
function darkestOutwards(picture: Picture, head: HeadPlace, middle: readonly [number, number], angle: number): number {
  const steps = 6;
  const lights = Array.from({ length: steps }, (_, at) => {
    const radius = ringStart + ((ringEnd - ringStart) * at) / (steps - 1);
    const [x, y] = [middle[0] + radius * Math.cos(angle), middle[1] + radius * Math.sin(angle)];
    return luma(colorAt(picture, head.right + head.scale * x, head.down + head.scale * y));
  });
  return Math.min(...lights);
}

/** How far a color is on the way from one to another, 0…1 between them. */
function shareOfWay(color: Rgb, from: Rgb, to: Rgb): number {
  let [along, length] = [0, 0];
  for (const axis of [0, 1, 2] as const) {
    along += (to[axis] - from[axis]) * (color[axis] - from[axis]);
    length += (to[axis] - from[axis]) ** 2;
  }
  return along / length;
}
