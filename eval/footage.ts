import type { Picture } from '../src/media/raw/picture-file.ts';

export type { Picture } from '../src/media/raw/picture-file.ts';

/** A clip's frames in order, all of one size. */
export interface Footage {
  readonly fps: number;
  readonly frames: readonly Picture[];
}

/** A frame by index; negative ones count from the end. */
export function frameOf({ frames }: Footage, index: number): Picture {
  const frame = frames.at(index);
  if (frame === undefined) throw new RangeError(`no frame ${index} among ${frames.length}`);
  return frame;
}

/** A frame and its place in its clip. */
export interface FilmedMoment {
  readonly picture: Picture;
  readonly index: number;
  /** Since the clip's beginning. */
  readonly seconds: number;
}

/** `count` frames, evenly spaced from the first to the last. */
export function spacedFrames(footage: Footage, count: number): Picture[] {
  return spacedMoments(footage, count).map(({ picture }) => picture);
}

/** The same frames with their times. */
export function spacedMoments(footage: Footage, count: number): FilmedMoment[] {
  const last = footage.frames.length - 1;
  return Array.from({ length: count }, (_, at) => {
    const index = Math.round(count === 1 ? last / 2 : (at * last) / (count - 1));
    return { picture: frameOf(footage, index), index, seconds: index / footage.fps };
  });
}
