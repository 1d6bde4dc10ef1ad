import type { Picture } from '../../footage.ts';
import { colorDistance, type Rgb } from '../../world/colors.ts';
import type { HeadPlace } from '../../world/speaker.ts';
import { colorAt } from '../pixels.ts';

/** World units from one color of a ray to the next, and those within which an edge has to be crossed. */
const [spacing, edge] = [0.005, 0.03];

/** A straight way over a head, in the head's coordinates. */
export interface Ray {
  readonly from: readonly [x: number, y: number];
  /** In radians: 0 to the right, π/2 down. */
  readonly angle: number;
  /** Distances from `from`. */
  readonly start: number;
  readonly end: number;
}

/** The colors along a ray, 0.005 world units apart. */
export function alongRay(picture: Picture, head: HeadPlace, { from, angle, start, end }: Ray): Rgb[] {
  const steps = Math.ceil(((end - start) * head.scale) / spacing);
  return Array.from({ length: steps + 1 }, (_, at) => {
    const radius = start + (at * spacing) / head.scale;
    const [x, y] = [from[0] + radius * Math.cos(angle), from[1] + radius * Math.sin(angle)];
    return colorAt(picture, head.right + head.scale * x, head.down + head.scale * y);
  });
}

/** The largest change of color along a ray: what an edge has to show, and how much of it lies within 0.03 world units. */
export interface Edge {
  readonly contrast: number;
  /** Share of the contrast, 0…1: 1 of a drawing, 0.4 of one that is blurred by 0.03 world units. */
  readonly steepness: number;
}

export function edgeAlong(ray: readonly Rgb[]): Edge {
  const reach = Math.round(edge / spacing);
  let [contrast, step] = [0, 0];
  for (const [at, color] of ray.entries()) {
    for (const [after, other] of ray.slice(at + 1).entries()) {
      const distance = colorDistance(color, other);
      contrast = Math.max(contrast, distance);
      if (after < reach) step = Math.max(step, distance);
    }
  }
  return { contrast, steepness: contrast === 0 ? 0 : step / contrast };
}
