import { access, chmod, constants, mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setInterval } from 'node:timers/promises';
import { SoundstageError } from '../errors.ts';
import { errorCode } from '../system-code.ts';
import { fileTrouble } from './file-trouble.ts';

const checkMilliseconds = 5000;
/** What holds clips, recordings, keys and whatever else is nobody's business, should the data folder itself be open. */
const folderNames = ['database', 'files', 'loras', 'tls', 'work'];

/** Where a server or a worker keeps what it has. */
export interface DataFolder {
  readonly path: string;
  /** @throws SoundstageError `device` where the folder has gone or another one is in its place */
  check(): Promise<void>;
}

/**
 * Makes the data folder where there is none, and keeps other users of the machine out of it.
 *
 * @throws SoundstageError `input` where it cannot be used
 */
export async function openDataFolder(path: string): Promise<DataFolder> {
  try {
    await makeFolder(path);
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    const { dev, ino } = await stat(path);
    for (const folder of [path, ...folderNames.map((name) => join(path, name))]) await closeToOthers(folder);
    const check = async (): Promise<void> => {
      const found = await stat(path).catch(() => undefined);
      if (found?.dev === dev && found.ino === ino) return;
      const what = found === undefined ? 'is gone' : 'was replaced by another';
      throw new SoundstageError('device', `the data folder ${path} ${what}: put it back, or start again`);
    };
    return Object.freeze({ path, check });
  } catch (cause) {
    const trouble = fileTrouble(cause);
    if (trouble === undefined) throw cause;
    const message = `the data folder ${path} cannot be used: ${trouble}; choose another one with --data or SOUNDSTAGE_DATA`;
    throw new SoundstageError('input', message, { field: 'SOUNDSTAGE_DATA', cause });
  }
}

/** Node's own way of making the parents as well never returns below `/proc`. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await mkdir(path, { mode: 0o700 });
  }
}

/** A volume may belong to somebody else and be ours to write to: what is made in it is closed all the same. */
async function closeToOthers(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found?.uid === process.getuid?.() && ((found?.mode ?? 0) & 0o077) !== 0) await chmod(folder, 0o700);
}

/** Looks now and then whether the folder is still there, and tells when that changes. Dispose to stop. */
export function watchDataFolder(
  { check }: DataFolder,
  onChange: (trouble: Error | undefined) => void,
): AsyncDisposable {
  const stopping = new AbortController();
  const watching = (async () => {
    let trouble: Error | undefined;
    try {
      for await (const _ of setInterval(checkMilliseconds, undefined, { signal: stopping.signal, ref: false })) {
        const found = await check().then(
          () => undefined,
          (error: Error) => error,
        );
        if (found?.message !== trouble?.message) onChange(found);
        trouble = found;
      }
    } catch (error) {
      if (!stopping.signal.aborted) throw error;
    }
  })();
  return {
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await watching;
    },
  };
}
