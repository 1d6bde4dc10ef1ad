import { readdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { SoundstageError } from '../../shared/errors.ts';
import { errorCode } from '../../shared/system-code.ts';
import { chooseLora } from './lora-choice.ts';
import { requireSafetensors } from './lora-source.ts';

export interface LocalLoraOptions {
  readonly field: string;
  /** The only folder whose files may be named; undefined where none may. */
  readonly folder: string | undefined;
  readonly weightName: string | undefined;
}

/**
 * Finds a LoRA that the operator has put into the LoRA folder; `path` is absolute or relative to that folder, and names a
 * file or a folder with one. Links are followed, but not out of the folder.
 *
 * @returns its real path
 * @throws SoundstageError `input`; about places outside the folder it says nothing
 */
export async function findLocalLora(path: string, { field, folder, weightName }: LocalLoraOptions): Promise<string> {
  if (folder === undefined) {
    const message = `${field} is a path on the server, which this server does not allow: give a URL or owner/repo, or set SOUNDSTAGE_LORA_FOLDER`;
    throw new SoundstageError('input', message, { field });
  }
  const asked = resolve(folder, path);
  if (path.includes('\0') || !isWithin(resolve(folder), asked)) throw outside(field);
  const root = await realPath(folder, field);
  const found = await realPath(asked, field);
  if (!isWithin(root, found)) throw outside(field);
  const kind = await stat(found);
  if (!kind.isDirectory()) return checked(found, kind.isFile(), field);
  const name = chooseLora(await namesIn(found), weightName, 'the folder', field);
  const inner = await realPath(join(found, name), field);
  if (!isWithin(root, inner)) throw outside(field);
  return checked(inner, (await stat(inner)).isFile(), field);
}

async function checked(path: string, isFile: boolean, field: string): Promise<string> {
  if (!isFile) throw new SoundstageError('input', `${field} is not a file`, { field });
  await requireSafetensors(path, { field });
  return path;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder);
  return names.map((name) => name.split(sep).join('/'));
}

function isWithin(folder: string, path: string): boolean {
  const inner = relative(folder, path);
  return inner !== '' && inner !== '..' && !inner.startsWith(`..${sep}`) && !isAbsolute(inner);
}

async function realPath(path: string, field: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (cause) {
    const code = errorCode(cause);
    if (code === undefined || !['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG'].includes(code)) throw cause;
    throw new SoundstageError('input', `${field} names a file that is not in the LoRA folder`, { field, cause });
  }
}

function outside(field: string): SoundstageError {
  return new SoundstageError('input', `${field} is outside the LoRA folder: name a file in it`, { field });
}
