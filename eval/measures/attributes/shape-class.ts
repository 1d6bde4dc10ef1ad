import type { ShapeName } from '../../world/scene.ts';
import type { FoundObject } from './objects.ts';

/** How many alike parts a shape has around its middle, and how strong that is in a clean drawing. */
const symmetries: readonly (readonly [ShapeName, parts: number, strength: number])[] = [
  ['triangle', 3, 0.62],
  ['square', 4, 0.41],
  ['star', 5, 0.75],
];

/** Shares of that strength below this are a circle's; blurred drawings keep half of theirs. */
const minShare = 0.35;

/** Which of the world's shapes an object is, however large it is and however it is turned. */
export function shapeOf(object: Pick<FoundObject, 'pixels' | 'x' | 'y'>): ShapeName {
  const [best] = symmetries
    .map(([name, parts, strength]) => ({ name, share: symmetry(object, parts) / strength }))
    .sort((a, b) => b.share - a.share);
  return best === undefined || best.share < minShare ? 'circle' : best.name;
}

/** Strength of a symmetry of so many parts, 0…1: the mean of e^(i·parts·angle), far pixels counting more. */
function symmetry({ pixels, x, y }: Pick<FoundObject, 'pixels' | 'x' | 'y'>, parts: number): number {
  let [real, imaginary, total] = [0, 0, 0];
  for (const [column, row] of pixels) {
    const weight = Math.hypot(column - x, row - y) ** parts;
    const angle = parts * Math.atan2(row - y, column - x);
    real += weight * Math.cos(angle);
    imaginary += weight * Math.sin(angle);
    total += weight;
  }
  return total === 0 ? 0 : Math.hypot(real, imaginary) / total;
}
