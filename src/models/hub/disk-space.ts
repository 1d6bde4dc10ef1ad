import { mkdir, statfs } from 'node:fs/promises';
import { SoundstageError } from '../../shared/errors.ts';
import { formatBytes } from '../../shared/quantities.ts';
import { errorCode, systemError } from '../../shared/system-code.ts';

/**
 * @param setting what chooses another folder
 * @throws SoundstageError `device` where the disk of `folder` (made if absent) has less than `bytes` free
 */
export async function requireDiskSpace(
  folder: string,
  bytes: number,
  setting = '--cache or HF_HUB_CACHE',
): Promise<void> {
  let free: number;
  try {
    await mkdir(folder, { recursive: true });
    const { bavail, bsize } = await statfs(folder);
    free = bavail * bsize;
  } catch (cause) {
    const code = errorCode(cause);
    throw new SoundstageError('device', `cannot write to ${folder} (${code}): choose another cache folder`, { cause });
  }
  if (free >= bytes) return;
  throw new SoundstageError(
    'device',
    `the disk of ${folder} has ${formatBytes(free)} free but ${formatBytes(bytes)} are still to be fetched: free some space, or choose a folder on another disk with ${setting}`,
    { cause: systemError('ENOSPC') },
  );
}
