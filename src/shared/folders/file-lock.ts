import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { SoundstageError } from '../errors.ts';

const sqliteBusy = 5;

/**
 * Takes an exclusive lock on the file `path`, between processes and within this one; dispose to release. Undefined if
 * somebody else holds it. It is a lock of writers: who may only read the file can keep nobody from it.
 *
 * Node has no flock(2), but the lock SQLite takes on an (empty) database file is one the operating system frees when
 * its holder dies, so there are no stale locks to guess about. The file must not be opened in any other way: on
 * Unix, closing it would release the lock.
 *
 * @throws SoundstageError `device` where the file cannot be locked at all
 */
export async function tryLockFile(path: string): Promise<Disposable | undefined> {
  try {
    await mkdir(dirname(path), { recursive: true });
  } catch (cause) {
    throw unlockable(path, cause);
  }
  return lock(path, 'BEGIN IMMEDIATE');
}

/**
 * As `tryLockFile`, in a folder that is there, and in one of two modes: any number of holders may share a lock, or one
 * has it exclusively.
 */
export function tryLock(path: string, mode: 'shared' | 'exclusive' = 'exclusive'): Disposable | undefined {
  // A plain transaction takes its shared lock with the first read.
  return lock(path, mode === 'exclusive' ? 'BEGIN EXCLUSIVE' : 'BEGIN; SELECT count(*) FROM sqlite_schema');
}

function lock(path: string, statement: string): Disposable | undefined {
  // Not before somebody locks: Node 22 warns of it, in whatever program has Soundstage as its library.
  const sqlite = process.getBuiltinModule('node:sqlite');
  let database: DatabaseSync | undefined;
  try {
    database = new sqlite.DatabaseSync(path, { timeout: 0 });
    database.exec(statement);
    return database;
  } catch (cause) {
    database?.close();
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === sqliteBusy) return undefined;
    throw unlockable(path, cause);
  }
}

function unlockable(path: string, cause: unknown): SoundstageError {
  return new SoundstageError('device', `cannot lock ${path}: put it on a local disk that you may write to`, { cause });
}
