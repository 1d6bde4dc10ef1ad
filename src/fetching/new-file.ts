import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { cancelled } from '../shared/cancellation.ts';
import { SoundstageError } from '../shared/errors.ts';
import { errorCode } from '../shared/system-code.ts';

/**
 * Writes a file that must not be there yet. Where that fails, nothing is left of it.
 *
 * @throws SoundstageError `device` (disk full), `cancelled`; whatever `pieces` throws
 */
export async function writeNewFile(
  path: string,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  // Made first: if this fails, the file is somebody else's and stays.
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true });
  await new Promise<void>((resolve, reject) => file.once('error', reject).once('open', () => resolve()));
  try {
    await pipeline(pieces, file, signal === undefined ? {} : { signal });
  } catch (error) {
    await rm(path, { force: true });
    if (signal?.aborted) throw cancelled(error);
    const code = errorCode(error);
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
    throw new SoundstageError('device', 'the disk for fetched files is full: free some space', { cause: error });
  }
}
