import { type FilmInput, type FilmPart, filmLimits, type Score } from '../contract/film/film-schema.ts';
import { videoSizePresets } from '../contract/input/presets.ts';
import { spatialStride, temporalStride } from '../ltx2/sampling/positions.ts';
import type { FrameCrop } from '../media/native/encode/encode-methods.ts';
import type { SoundProfile } from '../media/sound/sound-profile.ts';
import { frameLimits } from '../pipeline/plan/limits.ts';
import { SoundstageError } from '../shared/errors.ts';
import { cutCosts, divide, divideEvenly, type PartLengths, snapped } from './cut-points.ts';
import { readPromptTimeline, requireWithin, timeOf } from './prompt-timeline.ts';

/** Decibels of full scale that no moment of a silent recording exceeds. */
const silence = -75;

/** Frames of the part before that a part begins with: a latent frame for the first, and one for each 8 further ones. */
export function overlapFrames({ overlap }: Pick<FilmInput, 'overlap'>): number {
  return (overlap - 1) * temporalStride + 1;
}

/** Frames of a film of so many seconds. */
export function filmFrames(seconds: number, fps: number): number {
  return Math.round(seconds * fps);
}

/**
 * The score of a film: its parts, from the sound and the prompts.
 *
 * @param seed for what the input leaves open
 * @throws SoundstageError `input` naming the field
 */
export function composeScore(input: FilmInput, profile: SoundProfile, seed: number): Score {
  requireSound(profile);
  const { prompt, parts, cut, part_seconds: _, image_url: image, ...rest } = input;
  const chosen = { ...rest, seed: input.seed ?? seed };
  if (parts !== undefined && prompt !== undefined) {
    throw refused('prompt', 'prompt and parts are both given: leave prompt out, since each part has its own');
  }
  if (parts !== undefined) return checkedScore({ ...chosen, parts }, profile.duration);
  if (prompt === undefined)
    throw refused('prompt', 'prompt is missing: say what the film shows, or give the parts of a score');
  const { fps } = input;
  const frames = filmFrames(profile.duration, fps);
  const lengths = partLengths(input);
  if (frames < lengths.min) {
    throw refused(
      'audio_url',
      `the recording is ${profile.duration.toFixed(2)} s long, too short for ${lengths.min} frames`,
    );
  }
  const prompts = readPromptTimeline(prompt);
  requireWithin(prompts, profile.duration);
  const costs = cutCosts(cut, profile, fps);
  const starts = prompts.map(({ seconds }) => (seconds === 0 ? 0 : snapped(Math.round(seconds * fps), costs, fps)));
  const composed: FilmPart[] = [];
  for (const [index, { prompt: shown, isScene, seconds }] of prompts.entries()) {
    const [start = 0, end = frames] = starts.slice(index, index + 2);
    if (end - start < lengths.min) {
      throw refused(
        'prompt',
        `the prompt at ${timeOf(seconds)} is shown for less than ${lengths.min} frames: give it more time`,
      );
    }
    const ends = cut === 'every' ? divideEvenly(start, end, lengths) : divide(start, end, lengths, costs);
    for (const [place, partEnd] of ends.entries()) {
      composed.push({
        start: composed.at(-1)?.end ?? 0,
        end: partEnd,
        prompt: shown,
        seed: (chosen.seed + composed.length) % 2 ** 32,
        continues: place > 0 || !isScene,
        meets_next: false,
        ...(composed.length === 0 && image !== undefined && { image_url: image }),
      });
    }
  }
  const [first] = composed;
  if (first !== undefined) composed[0] = { ...first, continues: false };
  return checkedScore({ ...chosen, parts: composed }, profile.duration);
}

/** @throws SoundstageError `input` naming the part and what is wrong */
function checkedScore(score: Score, seconds: number): Score {
  const { parts, fps } = score;
  const frames = filmFrames(seconds, fps);
  const max = frameLimits.max - overlapFrames(score);
  const [first] = parts;
  if (first === undefined) throw refused('parts', 'a score has at least one part');
  if (first.continues) throw refused('parts.0.continues', 'part 1 has nothing before it to go on from');
  if (first.start !== 0)
    throw refused('parts.0.start', `part 1 begins at frame ${first.start}: a film begins at frame 0`);
  for (const [index, { start, end, continues, image_url: image }] of parts.entries()) {
    const [name, before] = [`part ${index + 1}`, parts[index - 1]];
    if (before !== undefined && before.end !== start) {
      const message = `${name} begins at frame ${start}, but part ${index} ends at ${before.end}: let them meet`;
      throw refused(`parts.${index}.start`, message);
    }
    if (end - start < frameLimits.min || end - start > max) {
      const message = `${name} has ${end - start} frames: the model makes ${frameLimits.min} to ${max} at once`;
      throw refused(`parts.${index}.end`, message);
    }
    if (before !== undefined && continues && before.end - before.start < overlapFrames(score)) {
      const message = `part ${index} is shorter than the ${overlapFrames(score)} frames that ${name} goes on from: make it longer, or overlap smaller`;
      throw refused(`parts.${index - 1}.end`, message);
    }
    if (continues && image !== undefined) {
      const message = `${name} goes on from the part before, so it cannot begin with an image: leave it out, or set continues to false`;
      throw refused(`parts.${index}.image_url`, message);
    }
  }
  const end = parts.at(-1)?.end;
  if (end === frames) return score;
  const message = `the parts end at frame ${end}, but the recording has ${frames} at ${fps} fps: let the last part end there`;
  throw refused(`parts.${parts.length - 1}.end`, message);
}

/** How long parts should be, and may be. */
function partLengths(input: FilmInput): PartLengths {
  const { fps, part_seconds: seconds } = input;
  const shown = overlapFrames(input);
  const [min, max] = [Math.max(frameLimits.min, shown), frameLimits.max - shown];
  if (seconds === undefined) return { min, wanted: max, max };
  const wanted = Math.round(seconds * fps);
  if (wanted >= min && wanted <= max) return { min, wanted, max };
  const message = `part_seconds ${seconds} is ${wanted} frames at ${fps} fps: the model makes ${min} to ${max} at once`;
  throw refused('part_seconds', message);
}

function requireSound({ isCut, loudness }: SoundProfile): void {
  if (isCut) {
    const message = `the recording is longer than ${filmLimits.maxSeconds / 60} minutes: cut it, and make a film of each piece`;
    throw refused('audio_url', message);
  }
  if (loudness.every((level) => level < silence)) {
    throw refused('audio_url', 'the recording is silent: there is nothing that a film could follow');
  }
}

export interface FilmSize {
  /** Of the finished film. */
  readonly width: number;
  readonly height: number;
  /** Of the frames that the model makes and parts are kept in, and where the film lies in them. */
  readonly made: { readonly width: number; readonly height: number };
  readonly crop: FrameCrop;
}

/** Parts are kept as large as the model makes them: cut to size, a frame could not be given back to it as it was. */
export function filmSize({
  video_size: size,
  use_multiscale: twoStages,
}: Pick<Score, 'video_size' | 'use_multiscale'>): FilmSize {
  const { width, height } = typeof size === 'string' ? videoSizePresets[size] : size;
  const multiple = twoStages ? 2 * spatialStride : spatialStride;
  const made = {
    width: Math.ceil(width / multiple) * multiple,
    height: Math.ceil(height / multiple) * multiple,
  };
  const [left, top] = [Math.floor((made.width - width) / 2), Math.floor((made.height - height) / 2)];
  return { width, height, made, crop: { left, top, width, height } };
}

function refused(field: string, message: string): SoundstageError {
  return new SoundstageError('input', message, { field });
}
