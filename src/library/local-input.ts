import { extname, resolve } from 'node:path';
import { audioToVideoLora } from '../contract/endpoints/audio-to-video-lora.ts';
import { filmSchema, type FilmInput as ReadFilmInput } from '../contract/film/film-schema.ts';
import { parseFilm } from '../contract/film/read-film.ts';
import type { ClipFiles } from '../contract/input/clip-settings.ts';
import { type InputWithLoras as Input, inputSchema, parseInput } from '../contract/input/input.ts';
import { videoFormat, videoOutputTypes } from '../media/video-settings.ts';
import type { WeightSet } from '../models/weight-folder.ts';
import { SoundstageError } from '../shared/errors.ts';
import type { ClipInput, FilmInput } from './clip-input.ts';

/** What the endpoint has and a program on the same machine has no use for. */
const unused: Readonly<Record<string, string>> = {
  sync_mode: 'sync_mode is for replies over HTTP: leave it out, and read the file of the clip',
};

/**
 * Validates an input whose files are paths. Unlike the endpoint, which has callers of every age, this refuses unknown fields.
 *
 * @param output whose extension decides the type
 * @throws SoundstageError `input` naming the field
 */
export function readInput(given: ClipInput, output: string | undefined): Input {
  for (const name of Object.keys(given)) {
    const isKnown = name in inputSchema.shape;
    const reason = isKnown ? unused[name] : `the input has no field ${name}: docs/library.md says where all are listed`;
    if (reason !== undefined) throw new SoundstageError('input', reason, { field: name });
  }
  const input = parseInput({ ...given, loras: given.loras ?? [], ...outputType(given, output) }, audioToVideoLora);
  for (const [index, { weight_name: name }] of input.loras.entries()) {
    if (name === undefined) continue;
    throw new SoundstageError('input', `weight_name is for repositories: name the file itself in loras.${index}.path`, {
      field: `loras.${index}.weight_name`,
    });
  }
  return input;
}

/** The same for a film. */
export function readFilmInput(given: FilmInput, output: string | undefined): ReadFilmInput {
  const unknown = Object.keys(given).find((name) => !(name in filmSchema.shape));
  if (unknown !== undefined) {
    const message = `the input has no field ${unknown}: docs/library.md says where all are listed`;
    throw new SoundstageError('input', message, { field: unknown });
  }
  const input = parseFilm({ ...given, ...outputType(given, output) });
  const absolute = (path: string | undefined): string | undefined => (path === undefined ? undefined : resolve(path));
  const { audio_url: audio, image_url: image, anchor_url: anchor } = input;
  return { ...input, audio_url: resolve(audio), image_url: absolute(image), anchor_url: absolute(anchor) };
}

/** In the working folder. */
export function defaultOutput(input: Pick<Input, 'video_output_type'>): string {
  return `clip${videoFormat(input.video_output_type).extension}`;
}

/** The files that an input names, and those that come with the weights. */
export function localFiles(input: Input, { cameraLoras, loras: included = {} }: WeightSet): ClipFiles {
  const { audio_url: audio, image_url: image, end_image_url: endImage, camera_lora: camera } = input;
  const loras = input.loras.map(({ path, scale }, index) => ({
    path: included[path] ?? resolve(path),
    scale,
    field: `loras.${index}.path`,
  }));
  return {
    audio: resolve(audio),
    image: image === undefined ? undefined : resolve(image),
    endImage: endImage === undefined ? undefined : resolve(endImage),
    cameraLora: camera === 'none' ? undefined : cameraLoras[camera],
    loras: loras.filter((_, index) => input.loras[index]?.path !== ''),
  };
}

function outputType(
  given: Pick<ClipInput, 'video_output_type'>,
  output: string | undefined,
): Pick<ClipInput, 'video_output_type'> {
  if (output === undefined) return {};
  const extension = extname(output).toLowerCase();
  const type = videoOutputTypes.find((each) => videoFormat(each).extension === extension);
  if (type === undefined) {
    const known = videoOutputTypes.map((each) => videoFormat(each).extension).join(', ');
    throw new SoundstageError('input', `output must end in ${known}, not "${extension}"`, { field: 'output' });
  }
  const { video_output_type: wanted = type } = given;
  if (wanted === type) return { video_output_type: type };
  throw new SoundstageError('input', `output ends in ${extension}, but video_output_type is ${wanted}`, {
    field: 'output',
  });
}
