import { computed } from '@preact/signals';
import type { FilmPart } from '../../../src/contract/film/film-schema.ts';
import type { Clip } from '../clips/clip.ts';
import { inputSchema } from '../server/endpoints.ts';

/** A clip that was made in parts. */
export interface Film extends Clip {
  readonly output: Clip['output'] & { readonly parts: readonly FilmPart[] };
}

export function isFilm(clip: Clip): clip is Film {
  return 'parts' in clip.output;
}

/** Whether the endpoint that the form is for makes films. */
export const makesFilms = computed(() => 'parts' in inputSchema.value.properties);
