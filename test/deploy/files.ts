import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

export const deploy = join(import.meta.dirname, '../../deploy');

/** Paths of the files below a folder of deploy/, from there. */
export async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(join(deploy, folder), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => relative(deploy, join(parentPath, name))).sort();
}

export async function textOf(path: string): Promise<string> {
  return await readFile(join(deploy, path), 'utf8');
}
