import { setTimeout as sleep } from 'node:timers/promises';
import { tryLockFile } from '../../shared/folders/file-lock.ts';
import { cancelled } from './retry.ts';

const pollMilliseconds = 200;

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once if somebody else holds the lock. */
  readonly onWait?: (() => void) | undefined;
}

/** Waits for and takes the lock of `tryLockFile` on the file `path`. */
export async function lockFile(path: string, { signal, onWait }: LockOptions = {}): Promise<Disposable> {
  for (let waits = 0; ; waits++) {
    if (signal?.aborted) throw cancelled();
    const lock = await tryLockFile(path);
    if (lock !== undefined) return lock;
    if (waits === 0) onWait?.();
    await sleep(pollMilliseconds);
  }
}
