import { profileRate, type SoundProfile } from '../media/sound/sound-profile.ts';
import { elementAt } from '../shared/element-at.ts';
import { findBeats } from './beats.ts';

export type CutKind = 'quiet' | 'beat' | 'every';

/** Lengths of parts in frames. */
export interface PartLengths {
  readonly min: number;
  readonly wanted: number;
  readonly max: number;
}

/** How unfit each frame is for a cut in front of it: 0 is best, 1 worst. */
export type CutCosts = (frame: number) => number;

/** How much a part counts that is half as long or twice as long again: as much as a cut at the worst place. */
const lengthWeight = 4;
/** Decibels below the median loudness at which it is as quiet as can be wished. */
const quietDepth = 30;
/** Moments on either side that have to be quiet too, where a cut is quiet: 50 ms. */
const quietReach = 5;
/** Seconds by which a cut for a new prompt may be moved to a better place. */
const snapSeconds = 0.5;

/** How fit the frames of a film are for a cut, from its sound. */
export function cutCosts(kind: CutKind, profile: SoundProfile, fps: number): CutCosts {
  if (kind === 'every') return () => 0;
  return kind === 'quiet' ? quietCosts(profile, fps) : beatCosts(profile, fps);
}

/** By loudness: fit where it is `quietDepth` below what is usual, unfit where it is as usual or louder. */
function quietCosts({ loudness }: SoundProfile, fps: number): CutCosts {
  const around = loudness.map((_, at) => Math.max(...loudness.subarray(Math.max(0, at - quietReach), at + quietReach)));
  const usual = elementAt(loudness.toSorted(), Math.floor(loudness.length / 2));
  return (frame) => {
    const moment = Math.min(around.length - 1, Math.round((frame / fps) * profileRate));
    return Math.min(1, Math.max(0, 1 - (usual - elementAt(around, moment)) / quietDepth));
  };
}

function beatCosts({ onset, duration }: SoundProfile, fps: number): CutCosts {
  const beats = findBeats(onset, profileRate).map((moment) => Math.round((moment / profileRate) * fps));
  const onBeat = new Uint8Array(Math.ceil(duration * fps) + 2);
  for (const frame of beats) onBeat[frame] = 1;
  return (frame) => (onBeat[frame] === 1 ? 0 : 1);
}

/** The frame near `frame` that is fittest for a cut, the nearest of those that are equally fit. */
export function snapped(frame: number, costs: CutCosts, fps: number): number {
  const reach = Math.round(snapSeconds * fps);
  let best = frame;
  for (let distance = 1; distance <= reach; distance++) {
    for (const tried of [frame - distance, frame + distance]) if (costs(tried) < costs(best) - 0.02) best = tried;
  }
  return best;
}

/**
 * Divides the frames from `start` to `end` into parts: of all ways the one with the fittest cuts and the lengths nearest to
 * the wanted one.
 *
 * @returns the frame after each part, `end` last
 */
export function divide(start: number, end: number, lengths: PartLengths, costs: CutCosts): readonly number[] {
  const total = end - start;
  if (total <= lengths.max && total < lengths.wanted + lengths.min) return [end];
  const best = new Float64Array(total + 1).fill(Number.POSITIVE_INFINITY);
  const from = new Int32Array(total + 1);
  best[0] = 0;
  for (let at = lengths.min; at <= total; at++) {
    const cost = at === total ? 0 : costs(start + at);
    for (let length = lengths.min; length <= Math.min(at, lengths.max); length++) {
      const deviation = (length - lengths.wanted) / lengths.wanted;
      const sum = elementAt(best, at - length) + cost + lengthWeight * deviation * deviation;
      if (sum < elementAt(best, at)) {
        best[at] = sum;
        from[at] = at - length;
      }
    }
  }
  const ends: number[] = [];
  for (let at = total; at > 0; at = elementAt(from, at)) ends.push(start + at);
  return ends.reverse();
}

/** Divides the frames from `start` to `end` every `wanted` frames. What is left in the end and too short goes to the last part. */
export function divideEvenly(start: number, end: number, { min, wanted, max }: PartLengths): readonly number[] {
  const ends: number[] = [];
  for (let at = start + wanted; at < end; at += wanted) ends.push(at);
  const [before = start, last = start] = [ends.at(-2), ends.at(-1)];
  if (end - last >= min) return [...ends, end];
  // Too long for one part, it is divided so that what is left is long enough.
  return [...ends.slice(0, -1), ...(end - before <= max ? [] : [end - min]), end];
}
