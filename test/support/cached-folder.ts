import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** Survives `git clean` no worse than the installed packages do. */
const cache = join(import.meta.dirname, '../../node_modules/.cache/soundstage');
/** Milliseconds after which whoever was making a folder is taken for dead. */
const longestMaking = 300_000;

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
      // Another one was taken for dead, and was not.
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
      await writeFile(lock, '', { flag: 'wx' });
      return { [Symbol.asyncDispose]: () => rm(lock, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const locked = await stat(lock).catch(() => undefined);
      if (locked !== undefined && Date.now() - locked.mtimeMs > longestMaking) await rm(lock, { force: true });
      else await wait(200);
    }
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
