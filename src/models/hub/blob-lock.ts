import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { SoundstageError } from '../../shared/errors.ts';
import { cancelled } from './retry.ts';

const SQLITE_BUSY = 5;
const POLL_MILLISECONDS = 200;

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once if somebody else holds the lock. */
  readonly onWait?: (() => void) | undefined;
}

/**
 * Waits for and takes an exclusive lock on the file `path`, between processes and within this one; dispose to release.
 *
 * Node has no flock(2), but the lock SQLite takes on an (empty) database file is one the operating system frees when
 * its holder dies, so there are no stale locks to guess about.
 */
export async function lockFile(path: string, { signal, onWait }: LockOptions = {}): Promise<Disposable> {
  await mkdir(dirname(path), { recursive: true });
  for (let waits = 0; ; waits++) {
    if (signal?.aborted) throw cancelled();
    const lock = tryLock(path);
    if (lock !== undefined) return lock;
    if (waits === 0) onWait?.();
    await sleep(POLL_MILLISECONDS);
  }
}

function tryLock(path: string): Disposable | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (cause) {
    database?.close();
    if ((cause as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
    throw new SoundstageError('device', `cannot lock ${path}: put the cache on a local disk that you may write to`, {
      cause,
    });
  }
}
