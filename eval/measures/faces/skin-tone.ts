import type { Picture } from '../../footage.ts';
import { type Footage, spacedMoments } from '../../footage.ts';
import { colorDistance, type Rgb, skinTones } from '../../world/colors.ts';
import type { Speaker } from '../../world/scene.ts';
import { type HeadPlace, headPlace } from '../../world/speaker.ts';
import { medianColor, pixelAt, pixelsIn, type Region } from '../pixels.ts';

/** Under the eyes and glasses, beside the nose and mouth, above any beard. */
const cheek: Region = { left: 0.1, right: 0.27, top: 0.075, bottom: 0.107 };

/** The color of a speaker's cheeks. */
export function cheekColor(picture: Picture, head: HeadPlace): Rgb {
  return colorBesideMiddle(picture, head, cheek);
}

/** Median color of a region of a head's right half, in the head's coordinates, and of the same region of its left half. */
export function colorBesideMiddle(picture: Picture, head: HeadPlace, region: Region): Rgb {
  const { left, right, top, bottom } = region;
  const halves = [region, { left: -right, right: -left, top, bottom }];
  return medianColor(
    halves.flatMap((half) => pixelsIn(picture, inWorld(half, head)).map((index) => pixelAt(picture, index))),
  );
}

/** The skin tone nearest to what a clip shows, as an index of `skinTones`: no prompt names it. */
export function skinToneOf(footage: Footage, { person }: Pick<Speaker, 'person'>): number {
  const moments = spacedMoments(footage, Math.min(5, footage.frames.length));
  const seen = medianColor(moments.map(({ picture, seconds }) => cheekColor(picture, headPlace({ person }, seconds))));
  return nearestTone(seen);
}

/** The skin tone nearest to a color, as an index of `skinTones`. */
export function nearestTone(color: Rgb): number {
  const distances = skinTones.map((tone) => colorDistance(tone, color));
  return distances.indexOf(Math.min(...distances));
}

function inWorld({ left, right, top, bottom }: Region, head: HeadPlace): Region {
  return {
    left: head.right + head.scale * left,
    right: head.right + head.scale * right,
    top: head.down + head.scale * top,
    bottom: head.down + head.scale * bottom,
  };
}
