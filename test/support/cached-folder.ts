import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** Survives `git clean` no worse than the installed packages do. */
const cache = join(import.meta.dirname, '../../node_modules/.cache/soundstage');

/**
 * A folder that is made once, for one kind of thing and these ingredients, and kept.
 *
 * @param make fills the folder; it is moved into place afterwards, so that half of it is never taken for the whole
 */
export async function cachedFolder(
  kind: string,
  ingredients: unknown,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const key = createHash('sha256').update(JSON.stringify(ingredients)).digest('hex').slice(0, 16);
  const folder = join(cache, `${kind}-${key}`);
  if (await exists(folder)) return folder;
  await mkdir(cache, { recursive: true });
  await using _turn = await turnToMake(folder);
  if (await exists(folder)) return folder;
  const making = `${folder}.${randomUUID()}`;
  await mkdir(making, { recursive: true });
  try {
    await make(making);
    await rename(making, folder).catch(async (error: NodeJS.ErrnoException) => {
      // Two found the same dead one's lock.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return folder;
}

/** Test files that start together need the same folders, and would all make them. */
async function turnToMake(folder: string): Promise<AsyncDisposable> {
  const lock = `${folder}.lock`;
  for (;;) {
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx' });
      return { [Symbol.asyncDispose]: () => rm(lock, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const owner = Number(await readFile(lock, 'utf8').catch(() => ''));
      if (owner > 0 && !isRunning(owner)) await rm(lock, { force: true });
      else await wait(200);
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** What `open` returns; undefined, with the reason on stdout, where it cannot be had: its tests are skipped then. */
export async function ifItCanBeHad<T>(name: string, open: () => Promise<T>): Promise<T | undefined> {
  try {
    return await open();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    process.stdout.write(`not run: ${name}: ${text.trim().split('\n').at(-1)}\n`);
    return undefined;
  }
}
