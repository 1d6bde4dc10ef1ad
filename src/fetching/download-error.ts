import { SoundstageError } from '../shared/errors.ts';
import { AddressRefusal, failureReason } from './failure-reason.ts';

/** What a file is fetched for, as far as messages need it. */
export interface Purpose {
  /** The request's field, e.g. `audio_url` or `loras.0.path`. */
  readonly field: string;
  /** Bytes. */
  readonly maxBytes: number;
}

/** @param reason ends the sentence "field cannot be downloaded: …" */
export function downloadError({ field }: Pick<Purpose, 'field'>, reason: string, cause?: unknown): SoundstageError {
  const message = `${field} cannot be downloaded: ${reason}`;
  return new SoundstageError('input', message, { field, type: 'file_download_error', cause });
}

export function downloadTooLarge({ field, maxBytes }: Purpose): SoundstageError {
  return new SoundstageError('input', `${field} is too large: give a file of at most ${maxBytes} bytes`, {
    field,
    type: 'file_too_large',
    context: { max_size: maxBytes },
  });
}

/** What the transfer from `host` threw, as an error for the caller; errors of other kinds are given back as they are. */
export function explain(error: unknown, purpose: Pick<Purpose, 'field'>, host: string): unknown {
  if (error instanceof SoundstageError) return error;
  if (error instanceof AddressRefusal) return downloadError(purpose, refusal(host), error);
  const reason = failureReason(error);
  return reason === undefined ? error : downloadError(purpose, `${host}: ${reason}`, error);
}

/** The operator reads this, too, and is told how to allow it. */
export function refusal(host: string): string {
  return `${host} is on a private network, which this server does not contact: use a public address, or list the host in SOUNDSTAGE_ALLOW_PRIVATE_HOSTS`;
}
