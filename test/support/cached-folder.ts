import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

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
  const isReady = await access(folder).then(
    () => true,
    () => false,
  );
  if (isReady) return folder;
  const making = `${folder}.${randomUUID()}`;
  await mkdir(making, { recursive: true });
  try {
    await make(making);
    await rename(making, folder).catch(async (error: NodeJS.ErrnoException) => {
      // Another test file was faster.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return folder;
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
