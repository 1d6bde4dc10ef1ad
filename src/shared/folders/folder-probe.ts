import { randomUUID } from 'node:crypto';
import { open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { SoundstageError } from '../errors.ts';
import { systemCode } from '../system-code.ts';

const probeBytes = 64 * 1024;

/** @throws SoundstageError `device` where the disk of `folder` has less than so many bytes free */
export async function requireFreeSpace(folder: string, minBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= minBytes) return;
  const megabytes = (bytes: number): number => Math.floor(bytes / 2 ** 20);
  const message = `the disk has ${megabytes(free)} MiB free, less than the ${megabytes(minBytes)} MiB of SOUNDSTAGE_MIN_FREE_BYTES: free some space`;
  throw new SoundstageError('device', message);
}

/**
 * Finds out whether files can be written in a folder by writing one to the disk and removing it. A folder that is not
 * there is not made: it may have been moved away, or its disk be gone.
 *
 * @param minFree bytes
 * @throws SoundstageError `device`; says nothing of where the folder is, since it may be told to anybody
 */
export async function probeFolder(folder: string, minFree = 0): Promise<void> {
  const path = join(folder, `probe-${randomUUID()}`);
  try {
    await requireFreeSpace(folder, minFree);
    try {
      await using file = await open(path, 'wx', 0o600);
      await file.writeFile(Buffer.alloc(probeBytes));
      await file.sync();
    } finally {
      await rm(path, { force: true });
    }
  } catch (cause) {
    if (cause instanceof SoundstageError) throw cause;
    const code = systemCode(cause) ?? 'unknown error';
    throw new SoundstageError('device', `files cannot be written to the disk (${code}): see to it`, { cause });
  }
}
