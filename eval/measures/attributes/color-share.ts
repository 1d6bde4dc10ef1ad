import { type Footage, spacedFrames } from '../../footage.ts';
import type { ColorName } from '../../world/colors.ts';
import { nearestColorName, pixelAt } from '../pixels.ts';

/** Share of a clip's pixels whose nearest named color is the given one. */
export function colorShare(footage: Footage, name: ColorName): number {
  return colorShares(footage).get(name) ?? 0;
}

/** Share of a clip's pixels per nearest named color. */
export function colorShares(footage: Footage): Map<ColorName, number> {
  const shares = new Map<ColorName, number>();
  const frames = spacedFrames(footage, Math.min(3, footage.frames.length));
  for (const picture of frames) {
    const pixels = picture.width * picture.height;
    for (let index = 0; index < pixels; index++) {
      const nearest = nearestColorName(pixelAt(picture, index));
      shares.set(nearest, (shares.get(nearest) ?? 0) + 1 / pixels / frames.length);
    }
  }
  return shares;
}
