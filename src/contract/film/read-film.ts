import { parseInput } from '../input/input.ts';
import { type Validation, validateInput } from '../input/validate-input.ts';
import { served } from '../json-schema.ts';
import { type FilmInput, filmSchema } from './film-schema.ts';

/** What a film must be to be made. */
export const servedFilm = served(filmSchema);

export function validateFilm(body: unknown): Validation<FilmInput> {
  return validateInput(body, { schema: filmSchema, served: servedFilm });
}

/** @throws SoundstageError `input` naming the first offending field and what is accepted */
export function parseFilm(value: unknown): FilmInput {
  return parseInput(value, { validate: validateFilm, servedInput: servedFilm });
}
