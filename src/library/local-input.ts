import { audioToVideoLora } from '../contract/endpoints/audio-to-video-lora.ts';
import { filmSchema, type FilmInput as ReadFilmInput } from '../contract/film/film-schema.ts';
import { parseFilm } from '../contract/film/read-film.ts';
import { type InputWithLoras as Input, inputSchema, parseInput } from '../contract/input/input.ts';
import { withAbsolutePaths } from '../local/film-studio.ts';
import { withOutputType } from '../local/output-type.ts';
import { videoFormat } from '../media/video-settings.ts';
import { SoundstageError } from '../shared/errors.ts';
import type { ClipInput, FilmInput } from './clip-input.ts';

/** What the endpoint has and a program on the same machine has no use for. */
const unused: Readonly<Record<string, string>> = {
  sync_mode: 'sync_mode is for replies over HTTP: leave it out, and read the file of the clip',
};

/**
 * Validates an input whose files may be paths. Unlike the endpoint, which has callers of every age, this refuses unknown fields.
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
  return parseInput({ loras: [], ...withOutputType(given, output) }, audioToVideoLora);
}

/** The same for a film. */
export function readFilmInput(given: FilmInput, output: string | undefined): ReadFilmInput {
  const unknown = Object.keys(given).find((name) => !(name in filmSchema.shape));
  if (unknown !== undefined) {
    const message = `the input has no field ${unknown}: docs/library.md says where all are listed`;
    throw new SoundstageError('input', message, { field: unknown });
  }
  return withAbsolutePaths(parseFilm(withOutputType(given, output)));
}

/** In the working folder. */
export function defaultOutput(input: Pick<Input, 'video_output_type'>): string {
  return `clip${videoFormat(input.video_output_type).extension}`;
}
