import { SoundstageError } from '../shared/errors.ts';

/** A header or query parameter that cannot be honoured; answered with 400. */
export function badRequest(message: string, field: string): SoundstageError {
  return new SoundstageError('input', message, { field, type: 'bad_request' });
}
