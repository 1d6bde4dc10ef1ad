import { elementAt } from '../../src/shared/element-at.ts';
import type { Picture } from '../footage.ts';
import { mean, median } from '../measures/motion/series.ts';
import { psnr } from '../measures/picture-difference.ts';

/** How a film goes on from one part to the next. */
export interface SeamMeasures {
  /** PSNR in dB of the pictures on both sides of a seam, the mean over the seams. */
  readonly likeness: number;
  /** The same of neighbors within parts, the median. */
  readonly likenessWithin: number;
  /** How much the motion changes at a seam, as a multiple of how much it usually does; the mean over the seams. */
  readonly jolt: number;
}

/** @param starts first frames of the parts */
export function seamMeasures(frames: readonly Picture[], starts: readonly number[]): SeamMeasures {
  const seams = new Set(starts.filter((start) => start > 0));
  const near = (at: number): boolean => seams.has(at) || seams.has(at + 1);
  const inner = [...frames.keys()].slice(1, -1).filter((at) => !near(at));
  const usual = median(inner.map((at) => motionChange(frames, at)));
  const jolts = [...seams].map((at) => Math.max(motionChange(frames, at - 1), motionChange(frames, at)) / usual);
  return {
    likeness: mean([...seams].map((at) => likenessBefore(frames, at))),
    likenessWithin: median(inner.map((at) => likenessBefore(frames, at))),
    jolt: mean(jolts),
  };
}

function likenessBefore(frames: readonly Picture[], at: number): number {
  return psnr(elementAt(frames, at - 1), elementAt(frames, at));
}

/** Mean second difference of the pixels over time: 0 where everything moves on as it did. */
function motionChange(frames: readonly Picture[], at: number): number {
  const [before, here, after] = [-1, 0, 1].map((offset) => elementAt(frames, at + offset).rgb);
  if (before === undefined || here === undefined || after === undefined) throw new Error('unreachable');
  let sum = 0;
  for (let index = 0; index < here.length; index++) {
    sum += Math.abs(elementAt(before, index) - 2 * elementAt(here, index) + elementAt(after, index));
  }
  return sum / here.length;
}
