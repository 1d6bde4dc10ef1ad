import type { Command } from 'commander';
import { type FilmInput, filmSchema } from '../../contract/film/film-schema.ts';
import { servedFilm } from '../../contract/film/read-film.ts';
import { FieldFlags, type FlagValues, helpOf, loraFlag, sizeFlag } from '../generate/field-flags.ts';

type FilmField = keyof FilmInput;

// The parts are given in a file, with --score.
const fields = filmSchema.omit({ parts: true }).keyof().options;

const flags = new FieldFlags<FilmField>(fields, servedFilm, {
  audio_url: {
    flags: '--audio <file|url>',
    help: 'The recording that the film is as long as; any common sound or video file.',
  },
  image_url: { flags: '--image <file|url>', help: 'The first frame of the film.' },
  anchor_url: {
    flags: '--anchor <file|url>',
    help: 'A picture that every part is shown, so that who and what is in the film stays the same.',
  },
  video_size: sizeFlag(),
  negative_prompt: { help: helpOf(['negative_prompt'], servedFilm, 'The default text means no guidance.') },
  seed: { help: helpOf(['seed'], servedFilm, 'Drawn when absent. With --redo, that of the part.') },
  video_output_type: { help: helpOf(['video_output_type'], servedFilm, 'The extension of --output decides.') },
  loras: loraFlag(servedFilm),
});

/** Adds one flag per field of a film. */
export function addFilmFlags(command: Command): Command {
  return flags.addTo(command);
}

/** Flags → fields. */
export function filmFields(values: FlagValues): Partial<Record<FilmField, unknown>> {
  return flags.fieldsOf(values);
}

/** The same text with flags instead of fields. */
export function inFilmFlags(message: string): string {
  return fields.reduce((text, field) => {
    // A word of English is a field only where a sentence begins with it.
    const pattern = field.includes('_')
      ? `(?<![\\w.-])${field}(?![\\w.])`
      : `^${field}(?= (?:must be|is missing|\\d)\\b)`;
    return text.replace(new RegExp(pattern, 'g'), flags.nameOf(field));
  }, message);
}
