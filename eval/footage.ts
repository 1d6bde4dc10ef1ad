import type { Picture } from '../src/media/media-service.ts';

export type { Picture } from '../src/media/media-service.ts';

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

/** `count` frames, evenly spaced from the first to the last. */
export function spacedFrames(footage: Footage, count: number): Picture[] {
  const last = footage.frames.length - 1;
  return Array.from({ length: count }, (_, at) =>
    frameOf(footage, count === 1 ? Math.round(last / 2) : Math.round((at * last) / (count - 1))),
  );
}
