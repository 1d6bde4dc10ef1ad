import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, realpath, rename, rm, stat, statfs } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { integerLimit } from '../../graph/runtime/integer-limit.ts';
import type { Checkpoint } from '../../graph/weights/checkpoint.ts';
import { int8Bytes, openInt8Linears, writeInt8Linears } from '../../ltx2/transformer/int8-linears.ts';
import { throwIfCancelled } from '../../shared/cancellation.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { fileTrouble } from '../../shared/folders/file-trouble.ts';
import { userFolders } from '../../shared/folders/user-folders.ts';
import { formatBytes } from '../../shared/quantities.ts';
import { errorCode } from '../../shared/system-code.ts';

/** Counts up when the same weights are rounded to something else. */
const formatVersion = 1;
/** Files that are kept, the latest used: those of other weights go. */
const keptFiles = 2;
/** What is being written is touched all the time. */
const abandonedMilliseconds = 10 * 60 * 1000;

export interface Int8CacheOptions {
  /** Default `int8Folder()`. */
  readonly folder?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told what takes time and disk, before it does. */
  readonly onNote?: ((note: string) => Promise<void> | void) | undefined;
}

/** Where weights in eight bits are kept: they can be made again. */
export function int8Folder(): string {
  return join(userFolders().cache, 'soundstage', 'int8');
}

/**
 * The layers of a bundle in eight bits, made and written once for each file of weights. Two processes that make the same file at
 * once write one each, and either will do.
 *
 * @throws SoundstageError `device` if the file cannot be written, `cancelled`
 */
export async function int8Linears(bundle: Checkpoint, options: Int8CacheOptions = {}): Promise<Checkpoint> {
  const { folder = int8Folder(), signal, onNote } = options;
  const limit = await integerLimit();
  const path = join(folder, await fileName(bundle.path, limit));
  const known = await openKnown(bundle, path, onNote);
  if (known !== undefined) return known;
  try {
    await mkdir(folder, { recursive: true });
    await removeOthers(folder, path);
    await requireSpace(bundle, folder);
    await onNote?.(`the weights are rounded to eight bits, once: ${formatBytes(int8Bytes(bundle))} in ${folder}`);
    await make(bundle, path, limit, signal);
  } catch (cause) {
    const trouble = fileTrouble(cause);
    if (trouble === undefined) throw cause;
    const message = `weights in eight bits cannot be kept in ${folder}: ${trouble}; make room, set XDG_CACHE_HOME, or use --precision exact`;
    throw new SoundstageError('device', message, { field: 'precision', cause });
  }
  return openInt8Linears(bundle, path);
}

/** Files in the folder and their bytes, for whoever wonders what is on the disk. */
export async function int8Overview(folder = int8Folder()): Promise<{ readonly files: number; readonly bytes: number }> {
  const sizes = await Promise.all((await names(folder)).map(async (name) => (await stat(join(folder, name))).size));
  return { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

/** Tells files of weights apart without reading them. */
async function fileName(bundle: string, limit: number): Promise<string> {
  const file = await realpath(bundle);
  const { size, mtimeMs } = await stat(file);
  const identity = JSON.stringify([formatVersion, file, size, mtimeMs, limit]);
  const digest = createHash('sha256').update(identity).digest('hex').slice(0, 16);
  return `${basename(file, '.safetensors')}-${digest}.safetensors`;
}

/** What is there; undefined if nothing is, or nothing that can be used. */
async function openKnown(
  bundle: Checkpoint,
  path: string,
  onNote: Int8CacheOptions['onNote'],
): Promise<Checkpoint | undefined> {
  if ((await stat(path).catch(() => undefined)) === undefined) return undefined;
  try {
    return await openInt8Linears(bundle, path);
  } catch (error) {
    if (!(error instanceof SoundstageError) || error.kind !== 'weights') throw error;
    await onNote?.(`${error.message}; it is made anew`);
    await rm(path, { force: true });
    return undefined;
  }
}

async function make(bundle: Checkpoint, path: string, limit: number, signal: AbortSignal | undefined): Promise<void> {
  const partial = `${path}.${randomUUID()}.partial`;
  try {
    await writeInt8Linears(bundle, partial, limit, () => throwIfCancelled(signal));
    {
      // What has its name is complete, even after a power failure.
      await using handle = await open(partial, 'r+');
      await handle.sync();
    }
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
}

/** Leaves the files used last, and what somebody is writing. */
async function removeOthers(folder: string, wanted: string): Promise<void> {
  const found = await Promise.all(
    (await names(folder)).map(async (name) => {
      const path = join(folder, name);
      const { atimeMs, mtimeMs } = await stat(path);
      return { path, isPartial: name.endsWith('.partial'), used: Math.max(atimeMs, mtimeMs), written: mtimeMs };
    }),
  );
  const whole = found.filter(({ path, isPartial }) => !isPartial && path !== wanted);
  const old = whole.toSorted((a, b) => b.used - a.used).slice(keptFiles - 1);
  const abandoned = found.filter(({ isPartial, written }) => isPartial && Date.now() - written > abandonedMilliseconds);
  for (const { path } of [...old, ...abandoned]) await rm(path, { force: true });
}

async function requireSpace(bundle: Checkpoint, folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const [free, needed] = [bavail * bsize, int8Bytes(bundle)];
  if (free >= needed) return;
  const message = `weights in eight bits take ${formatBytes(needed)}, and ${folder} has ${formatBytes(free)} free: make room, set XDG_CACHE_HOME, or use --precision exact`;
  throw new SoundstageError('device', message, { field: 'precision' });
}

async function names(folder: string): Promise<string[]> {
  return await readdir(folder).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  });
}
