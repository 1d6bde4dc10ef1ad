import { SoundstageError } from '../../shared/errors.ts';

/** What an uploader is told who comes too late, or with an address that was never given out. */
export function unknownUpload(reason = 'this upload is unknown or over', cause?: unknown): SoundstageError {
  return new SoundstageError('input', `${reason}: start a new one`, { type: 'unknown_upload', cause });
}
