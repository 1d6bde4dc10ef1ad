import { elementAt } from '../../../src/shared/element-at.ts';
import type { Footage, Picture } from '../../footage.ts';
import { type ColorName, colors, type Rgb } from '../../world/colors.ts';
import { pixelAt, pixelsIn } from '../pixels.ts';
import { backdropRows } from './backdrop.ts';

/** Size of what has a color in each frame: the square root of its share of the picture. */
export function objectSize({ frames }: Footage, name: ColorName): number[] {
  return frames.map((picture) => Math.sqrt(shareToward(picture, backdropRows(picture), colors[name])));
}

/** Area of a skyline's bars in each frame, as a share of the picture; the ground below them is left out. */
export function barArea({ frames }: Footage, lights: ColorName): number[] {
  return frames.map((picture) => {
    const sky = pixelsIn(picture, { left: -1.2, right: 1.2, top: -0.98, bottom: -0.78 });
    const color = pixelAt(picture, elementAt(sky, Math.floor(sky.length / 2)));
    return shareToward(picture, new Array(picture.height).fill(color), colors[lights], 0.92);
  });
}

/** Share of pixels on the way from the backdrop to a color, half-way counting half, down to world height `bottom`. */
function shareToward(picture: Picture, backdrop: readonly Rgb[], color: Rgb, bottom = 2): number {
  let sum = 0;
  for (const index of pixelsIn(picture, { left: -2, right: 2, top: -2, bottom })) {
    const ground = backdrop[Math.floor(index / picture.width)];
    if (ground !== undefined) sum += towards(pixelAt(picture, index), ground, color);
  }
  return sum / (picture.width * picture.height);
}

function towards(pixel: Rgb, from: Rgb, to: Rgb): number {
  let [along, length, total] = [0, 0, 0];
  for (const axis of [0, 1, 2] as const) {
    const [step, offset] = [to[axis] - from[axis], pixel[axis] - from[axis]];
    along += step * offset;
    length += step * step;
    total += offset * offset;
  }
  if (length < 0.01) return 0;
  const share = along / length;
  const aside = Math.sqrt(Math.max(0, total - share * share * length));
  return aside > 0.3 ? 0 : Math.min(1, Math.max(0, (share - 0.25) / 0.4));
}
