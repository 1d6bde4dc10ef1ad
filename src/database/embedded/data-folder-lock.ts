import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SoundstageError } from '../../shared/errors.ts';
import { tryLockFile } from '../../shared/folders/file-lock.ts';
import { errorCode } from '../../shared/system-code.ts';

/** A server that is being replaced needs a moment to close, and so does a command that changes a key. */
const timeoutMilliseconds = 2000;
const pollMilliseconds = 50;

/** Another process has the embedded database open. */
export class DatabaseInUseError extends SoundstageError {
  constructor(dataFolder: string, holder: string | undefined) {
    const who = holder === undefined ? 'another process' : `process ${holder}`;
    super(
      'device',
      `the database in ${dataFolder} is in use by ${who}: stop it, choose another --data folder, or let both use one PostgreSQL server (DATABASE_URL)`,
    );
  }
}

/**
 * The right to open the embedded database in `dataFolder`; freed by the system when the process dies.
 *
 * @throws DatabaseInUseError
 */
export async function lockDataFolder(dataFolder: string): Promise<AsyncDisposable> {
  // The number of the process has a file of its own: only SQLite may open the lock.
  const holderPath = join(dataFolder, 'database.pid');
  for (const end = performance.now() + timeoutMilliseconds; ; ) {
    const lock = await tryLockFile(join(dataFolder, 'database.lock'));
    if (lock !== undefined) {
      await using held = new AsyncDisposableStack();
      held.use(lock);
      held.defer(() => rm(holderPath, { force: true }));
      await writeFile(holderPath, `${process.pid}\n`);
      const stack = held.move();
      return { [Symbol.asyncDispose]: () => stack.disposeAsync() };
    }
    if (performance.now() > end) throw new DatabaseInUseError(dataFolder, await readHolder(holderPath));
    await sleep(pollMilliseconds);
  }
}

async function readHolder(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim() || undefined;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
