import { readFile } from 'node:fs/promises';
import { SoundstageError } from '../../shared/errors.ts';

/** @throws SoundstageError `weights` if the file is missing or not JSON */
export async function readJson(path: string): Promise<unknown> {
  const value = await readJsonIfThere(path);
  if (value === undefined) throw new SoundstageError('weights', `${path} does not exist`);
  return value;
}

/** Undefined if there is no such file. */
export async function readJsonIfThere(path: string): Promise<unknown> {
  const text = await readTextIfThere(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SoundstageError('weights', `${path} is not JSON`, { cause });
  }
}

export async function readTextIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new SoundstageError('weights', `${path} cannot be read`, { cause });
  }
}
