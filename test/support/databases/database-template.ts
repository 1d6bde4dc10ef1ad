import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseOptions } from '../../../src/database/open-database.ts';
import { cachedFolder } from '../cached-folder.ts';

const root = join(import.meta.dirname, '../../..');

/**
 * A folder that is made once with the tables of this version in it, and kept, since making them takes longer than many
 * a test.
 *
 * @param version of the database itself, where it is not one of our packages
 * @param make fills the folder
 */
export async function databaseTemplate(
  kind: string,
  version: string,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(root, 'src/database');
  const names = (await readdir(folder, { recursive: true })).filter((name) => /^(?!.*test).*\.ts$/.test(name)).sort();
  const paths = [join(root, 'package-lock.json'), ...names.map((name) => join(folder, name))];
  const sources = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
  return await cachedFolder(kind, [version, ...sources], make);
}

/** Makes the tables of a database. */
export async function openAndClose(options: DatabaseOptions): Promise<void> {
  // Only who makes a template needs all that a database consists of.
  const { openDatabase } = await import('../../../src/database/open-database.ts');
  await (await openDatabase(options))[Symbol.asyncDispose]();
}
