import { open } from 'node:fs/promises';
import { SoundstageError } from '../../shared/errors.ts';
import { errorCode } from '../../shared/system-code.ts';

/** A file of decoded samples or pixels that is being written. Close it by disposing. */
export interface RawFile extends AsyncDisposable {
  /** @throws SoundstageError `device` when the disk is full */
  append(bytes: Uint8Array): Promise<void>;
}

/** Begins a file, in place of one that is there. */
export async function openRawFile(path: string): Promise<RawFile> {
  const file = await open(path, 'w', 0o600);
  return {
    async append(bytes) {
      try {
        await file.writeFile(bytes);
      } catch (error) {
        throw explainDiskFull(error);
      }
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}

function explainDiskFull(cause: unknown): unknown {
  const code = errorCode(cause);
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return cause;
  const message = 'The disk is full: free some space where videos are written and try again.';
  return new SoundstageError('device', message, { cause });
}
