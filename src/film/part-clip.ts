import { audioToVideoLora } from '../contract/endpoints/audio-to-video-lora.ts';
import { type FilmInput, type FilmPart, filmPartFields, filmSchema, type Score } from '../contract/film/film-schema.ts';
import { type InputWithLoras, parseInput } from '../contract/input/input.ts';
import { losslessVideo } from '../media/video-settings.ts';
import type { CameraMove } from '../models/camera-moves.ts';
import type { ClipSettings, FilmSettings } from '../pipeline/plan/plan.ts';
import { SoundstageError } from '../shared/errors.ts';
import { filmSize, overlapFrames } from './score.ts';

/** Files of other parts and of the film that a part is made from. */
export interface PartSources {
  /** The part before, stored losslessly; for one that continues it. */
  readonly before?: string | undefined;
  /** The part after, for one that meets it. */
  readonly after?: string | undefined;
  readonly anchor?: string | undefined;
}

/** The camera moves of a film, each once. */
export function filmCameras({ camera_lora: camera, parts = [] }: FilmInput): readonly CameraMove[] {
  const all = [camera, ...parts.map((part) => part.camera_lora ?? camera)];
  return [...new Set(all)].flatMap((each) => (each === 'none' ? [] : [each]));
}

/** A part by its place, from 0. */
export function partAt({ parts }: Pick<Score, 'parts'>, index: number): FilmPart {
  const part = parts[index];
  if (part === undefined) throw new RangeError(`there is no part ${index + 1} among ${parts.length}`);
  return part;
}

/**
 * A part as the endpoint for clips would be asked for it.
 *
 * @throws SoundstageError `input` naming the field
 */
export function partInput(score: Score, index: number): InputWithLoras {
  const { start, end, prompt, seed, image_url, loras, camera_lora, camera_lora_scale } = partAt(score, index);
  const { anchor_url: _, overlap, overlap_strength, anchor_strength, parts, ...film } = score;
  const input = {
    ...film,
    prompt,
    seed,
    image_url,
    loras: loras ?? film.loras,
    camera_lora: camera_lora ?? film.camera_lora,
    camera_lora_scale: camera_lora_scale ?? film.camera_lora_scale,
    match_audio_length: false,
    num_frames: end - start,
    video_size: filmSize(score).made,
  };
  try {
    return parseInput(input, audioToVideoLora);
  } catch (error) {
    throw atPart(error, index);
  }
}

/** What makes the clip part of the film. */
export function partSettings(
  score: Score,
  index: number,
  { before, after, anchor }: PartSources,
): FilmSettings & Pick<ClipSettings, 'videoOutputType'> {
  const { start } = partAt(score, index);
  const frames = before === undefined ? 0 : overlapFrames(score);
  const lengthBefore = before === undefined ? 0 : start - partAt(score, index - 1).start;
  return {
    videoOutputType: losslessVideo,
    audioStart: (start - frames) / score.fps,
    continuation:
      before === undefined
        ? undefined
        : { video: before, first: lengthBefore - frames, frames, strength: score.overlap_strength },
    next: after,
    anchor,
    anchorStrength: score.anchor_strength,
  };
}

/** What the pipeline calls otherwise, because it is given files and not addresses. */
const addresses: Readonly<Record<string, string>> = { audio: 'audio_url', image: 'image_url', anchor: 'anchor_url' };

/** An error in making a part, with its name, at its field or at that of the film. */
export function atPart(error: unknown, index: number): unknown {
  if (!(error instanceof SoundstageError) || error.kind !== 'input') return error;
  const { type, context } = error;
  // A film has no num_frames; its parts are as long as its score has them.
  const message = error.message.replace('fewer num_frames', 'a smaller part_seconds');
  const options = { field: fieldAt(error.field ?? '', index), type, context, cause: error };
  return new SoundstageError('input', `part ${index + 1}: ${message}`, options);
}

function fieldAt(field: string, index: number): string {
  const [first = '', ...rest] = field.split('.');
  const name = addresses[first] ?? first;
  if (filmPartFields.includes(name)) return ['parts', index, name, ...rest].join('.');
  return name in filmSchema.shape ? [name, ...rest].join('.') : `parts.${index}`;
}
