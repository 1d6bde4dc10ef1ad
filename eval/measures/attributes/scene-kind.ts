import { elementAt } from '../../../src/shared/element-at.ts';
import type { Picture } from '../../footage.ts';
import { colorDistance, type Rgb, skinTones } from '../../world/colors.ts';
import type { SceneKind } from '../../world/scene.ts';
import { reducedPicture } from '../edges/reduced-picture.ts';
import { colorIn, luma, medianColor, pixelAt, pixelsIn, worldHeight, worldWidth } from '../pixels.ts';
import { backdropRows } from './backdrop.ts';
import { findObjects } from './objects.ts';

/** Cells across the shorter side of what is looked at: fine grain does not matter, eyes do. */
const cells = 64;

/** The kind of scene a picture shows; undefined where it is none of the world's. */
export function sceneKindOf(picture: Picture): SceneKind | undefined {
  const small = reducedPicture(picture, cells);
  if (showsFace(small)) return 'speaker';
  if (showsBars(picture)) return 'skyline';
  if (showsWater(small)) return 'sea';
  return findObjects(picture).length > 0 ? 'shapes' : undefined;
}

/** Cheeks in a skin tone, and above them the light and dark of eyes. */
function showsFace(picture: Picture): boolean {
  const cheeks = pixelsIn(picture, { left: -0.24, right: 0.24, top: -0.14, bottom: 0.02 });
  const isSkin = (index: number): boolean =>
    skinTones.some((tone) => colorDistance(pixelAt(picture, index), tone) < 0.15);
  const skin = cheeks.filter(isSkin).length / cheeks.length;
  // The middle of a gradient may have the color of skin, but then so has the edge.
  const behind = elementAt(backdropRows(picture), Math.floor(elementAt(cheeks, 0) / picture.width));
  if (colorDistance(behind, medianColor(cheeks.map((index) => pixelAt(picture, index)))) < 0.1) return false;
  const eyes = pixelsIn(picture, { left: -0.2, right: 0.2, top: -0.28, bottom: -0.1 });
  const light = eyes.map((index) => luma(pixelAt(picture, index)));
  return skin > 0.4 && Math.max(...light) - Math.min(...light) > 0.25;
}

/** Bars beside each other over dark ground, whatever their height: at their feet, colors alternate. */
function showsBars(picture: Picture): boolean {
  if (luma(colorIn(picture, { left: -1, right: 1, top: 0.965, bottom: worldHeight(picture) })) > 0.25) return false;
  const sky = colorIn(picture, { left: -0.97, right: 0.97, top: -0.98, bottom: -0.78 });
  const feet = pixelsIn(picture, { left: -0.97, right: 0.97, top: 0.85, bottom: 0.91 });
  const columns = Map.groupBy(feet, (index) => index % picture.width);
  const isBar = [...columns.values()].map((column) => colorDistance(meanColor(picture, column), sky) > 0.18);
  const changes = isBar.filter((bar, at) => at > 0 && bar !== isBar[at - 1]).length;
  return changes >= 10 && changes <= 22;
}

/** Water from side to side: both edges change color at once somewhere, and the bottom is of one color. */
function showsWater(picture: Picture): boolean {
  const half = worldWidth(picture);
  const floor = { left: -half, right: half, top: 0.9, bottom: worldHeight(picture) };
  const bottom = pixelsIn(picture, floor);
  const color = colorIn(picture, floor);
  const even = bottom.filter((index) => colorDistance(pixelAt(picture, index), color) < 0.15).length / bottom.length;
  return even > 0.85 && hasStep(picture, -half) && hasStep(picture, half - 0.08);
}

/** Whether a narrow column from `left` on has a sharp change of color between the sky and low water. */
function hasStep(picture: Picture, left: number): boolean {
  const column = pixelsIn(picture, { left, right: left + 0.08, top: -0.3, bottom: 0.9 });
  const rows = [...Map.groupBy(column, (index) => Math.floor(index / picture.width)).values()];
  const colors = rows.map((row) => medianColor(row.map((index) => pixelAt(picture, index))));
  return colors.some((color, at) => at > 1 && colorDistance(color, elementAt(colors, at - 2)) > 0.15);
}

function meanColor(picture: Picture, pixels: readonly number[]): Rgb {
  const sum = pixels
    .map((index) => pixelAt(picture, index))
    .reduce<Rgb>((total, pixel) => [total[0] + pixel[0], total[1] + pixel[1], total[2] + pixel[2]], [0, 0, 0]);
  return [sum[0] / pixels.length, sum[1] / pixels.length, sum[2] / pixels.length];
}
