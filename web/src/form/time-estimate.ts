import { computed } from '@preact/signals';
import type { Clip } from '../clips/clip.ts';
import { clips } from '../clips/history.ts';
import { isFilm } from '../film/film.ts';
import { clipFrames, clipSize } from './clip-size.ts';
import { currentValue } from './form-state.ts';

/** Clips that are asked for how long they took: those most like the one to be made. */
const asked = 5;

/** Seconds that a clip like that of the form takes here, by the clips that were made; undefined without any. */
export const estimatedSeconds = computed<number | undefined>(() => {
  const [size, frames] = [clipSize.value, clipFrames.value];
  if (size === undefined || frames === undefined) return undefined;
  const wanted = size.width * size.height * frames;
  const stages = currentValue('use_multiscale');
  // The time of a film is that of its parts, which are not among the clips.
  const known = clips.value
    .filter((clip) => !isFilm(clip))
    .flatMap((clip) => {
      const pixels = pixelsOf(clip);
      const isAlike = (clip.input.use_multiscale ?? true) === stages;
      return clip.made === undefined || pixels === 0 || !isAlike
        ? []
        : [{ seconds: clip.made, ratio: wanted / pixels }];
    });
  const nearest = known.toSorted((one, other) => distance(one.ratio) - distance(other.ratio)).slice(0, asked);
  return median(nearest.map(({ seconds, ratio }) => seconds * ratio));
});

/** `75` → `1 min 15 s` */
export function duration(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const [minutes, rest] = [Math.floor(whole / 60), whole % 60];
  return minutes >= 10 || rest === 0 ? `${Math.round(whole / 60)} min` : `${minutes} min ${rest} s`;
}

function pixelsOf({ output: { video } }: Clip): number {
  return (video.width ?? 0) * (video.height ?? 0) * (video.num_frames ?? 0);
}

function distance(ratio: number): number {
  return Math.abs(Math.log(ratio));
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];
}
