import type { CameraMove } from '../../../src/models/camera-moves.ts';
import { elementAt } from '../../../src/shared/element-at.ts';
import { type Footage, frameOf, type Picture } from '../../footage.ts';
import { reducedPicture } from '../edges/reduced-picture.ts';

/** How the whole picture moved, from the middle of a clip's first third to the middle of its last. */
export interface CameraMotion {
  /** Natural logarithm of the magnification: positive when the scene comes closer. */
  readonly zoom: number;
  /** World units the scene moved to the right and down; the shorter side of a picture is two units. */
  readonly right: number;
  readonly down: number;
}

/** Movement below this is none. */
export const stillZoom = 0.06;
export const stillShift = 0.09;

/** Cells across the shorter side of the reduced pictures in which movement is looked for: first roughly, then finely. */
const [roughCells, fineCells] = [20, 40];

/** The zoom and shift which best turn an early picture into a late one, and the late one into the early one. */
export function cameraMotion(footage: Footage): CameraMotion {
  const last = footage.frames.length - 1;
  const [early, late] = [frameOf(footage, Math.round(last / 6)), frameOf(footage, Math.round((last * 5) / 6))];
  const rough = (picture: Picture): Picture => reducedPicture(picture, roughCells);
  const fine = (picture: Picture): Picture => reducedPicture(picture, fineCells);
  const found = closest(rough(early), rough(late), { zoom: 0, right: 0, down: 0 }, steps(5, 0.08), steps(5, 0.1));
  const closer = closest(fine(early), fine(late), found, steps(2, 0.03), steps(2, 0.04));
  return closest(fine(early), fine(late), closer, steps(2, 0.01), steps(2, 0.012));
}

/** The motion near `from` that fits best. */
function closest(
  early: Picture,
  late: Picture,
  from: CameraMotion,
  zooms: readonly number[],
  shifts: readonly number[],
): CameraMotion {
  let [best, minCost] = [from, mismatch(early, late, from)];
  for (const zoom of zooms) {
    for (const right of shifts) {
      for (const down of shifts) {
        const tried = { zoom: from.zoom + zoom, right: from.right + right, down: from.down + down };
        const cost = mismatch(early, late, tried);
        if (cost < minCost) [best, minCost] = [tried, cost];
      }
    }
  }
  return best;
}

/** Whether a motion is the one asked for, by its direction. */
export function showsMove({ zoom, right, down }: CameraMotion, move: CameraMove): boolean {
  // The scene moves against the camera.
  const signed = {
    dolly_in: zoom,
    dolly_out: -zoom,
    dolly_left: right,
    dolly_right: -right,
    jib_up: down,
    jib_down: -down,
  };
  if (move === 'static') return Math.abs(zoom) < stillZoom && Math.max(Math.abs(right), Math.abs(down)) < stillShift;
  return signed[move] > (move === 'dolly_in' || move === 'dolly_out' ? stillZoom : stillShift);
}

/** Mean difference, both ways: else a picture of plain ground would fit anything that moves out of it. */
function mismatch(early: Picture, late: Picture, { zoom, right, down }: CameraMotion): number {
  const scale = Math.exp(zoom);
  return warped(early, late, scale, right, down) + warped(late, early, 1 / scale, -right / scale, -down / scale);
}

/** Mean difference of `to` and `from` magnified by `scale` and then shifted; the edges continue outwards. */
function warped(from: Picture, to: Picture, scale: number, right: number, down: number): number {
  const { width, height } = from;
  const unit = Math.min(width, height) / 2;
  let sum = 0;
  for (let y = 0; y < height; y++) {
    const sourceY = ((y + 0.5 - height / 2) / unit - down) / scale;
    const row = clamped(sourceY * unit + height / 2 - 0.5, height);
    const [top, share] = [Math.floor(row), row % 1];
    const below = Math.min(top + 1, height - 1);
    for (let x = 0; x < width; x++) {
      const sourceX = ((x + 0.5 - width / 2) / unit - right) / scale;
      const column = clamped(sourceX * unit + width / 2 - 0.5, width);
      const [left, across] = [Math.floor(column), column % 1];
      const beside = Math.min(left + 1, width - 1);
      for (let axis = 0; axis < 3; axis++) {
        const value = (atRow: number, atColumn: number): number =>
          elementAt(from.rgb, (atRow * width + atColumn) * 3 + axis);
        const upper = value(top, left) * (1 - across) + value(top, beside) * across;
        const lower = value(below, left) * (1 - across) + value(below, beside) * across;
        sum += Math.abs(upper * (1 - share) + lower * share - elementAt(to.rgb, (y * width + x) * 3 + axis));
      }
    }
  }
  return sum / (width * height);
}

function clamped(value: number, length: number): number {
  return Math.min(length - 1, Math.max(0, value));
}

function steps(count: number, size: number): number[] {
  return Array.from({ length: 2 * count + 1 }, (_, at) => (at - count) * size);
}
