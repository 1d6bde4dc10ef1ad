import {
  link as hardLink,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { SoundstageError } from '../../shared/errors.ts';
import { errorCode } from '../../shared/system-code.ts';

/**
 * The hub's own cache layout (https://huggingface.co/docs/hub/local-cache), shared with every other tool that uses it:
 * `models--owner--name/{blobs/ETAG, refs/REVISION, snapshots/COMMIT/PATH -> ../../blobs/ETAG}`.
 */
export function repoFolder(cache: string, repo: string): string {
  return join(cache, `models--${repo.replaceAll('/', '--')}`);
}

export function blobPath(cache: string, repo: string, etag: string): string {
  return join(repoFolder(cache, repo), 'blobs', etag);
}

/** Not the `ETAG.incomplete` of the Python client, which may be writing to that at the same time. */
export function partialPath(cache: string, repo: string, etag: string): string {
  return `${blobPath(cache, repo, etag)}.soundstage.incomplete`;
}

export function lockPath(cache: string, repo: string, etag: string): string {
  return join(cache, '.locks', `models--${repo.replaceAll('/', '--')}`, `${etag}.soundstage.lock`);
}

export function snapshotFolder(cache: string, repo: string, commit: string): string {
  return join(repoFolder(cache, repo), 'snapshots', commit);
}

/** Snapshot folders on disk, the one `revision` points to first, then the newest. */
export async function snapshotFolders(cache: string, repo: string, revision: string): Promise<readonly string[]> {
  const folder = join(repoFolder(cache, repo), 'snapshots');
  const names = await ifExists(readdir(folder), []);
  const current = await ifExists(readFile(join(repoFolder(cache, repo), 'refs', revision), 'utf8'), '');
  const ages = await Promise.all(
    names.map(async (name) => ({ name, changed: (await stat(join(folder, name))).mtimeMs })),
  );
  const rank = (name: string): number => (name === current.trim() ? 0 : 1);
  ages.sort((a, b) => rank(a.name) - rank(b.name) || b.changed - a.changed);
  return ages.map(({ name }) => join(folder, name));
}

/**
 * Makes `snapshots/commit/path` a relative link to the blob, as the hub's own client does. Windows allows symbolic links to
 * administrators and in Developer Mode alone: a hard link takes its place there.
 *
 * @param makeLink makes the symbolic link
 */
export async function linkSnapshot(
  cache: string,
  repo: string,
  commit: string,
  path: string,
  etag: string,
  makeLink: (target: string, path: string) => Promise<void> = symlink,
): Promise<void> {
  const link = join(snapshotFolder(cache, repo, commit), path);
  const target = relative(dirname(link), blobPath(cache, repo, etag));
  await mkdir(dirname(link), { recursive: true });
  const temporary = `${link}.${process.pid}.tmp`;
  try {
    await rm(temporary, { force: true });
    await makeLink(target, temporary).catch(async (error: unknown) => {
      if (errorCode(error) !== 'EPERM') throw error;
      await hardLink(blobPath(cache, repo, etag), temporary);
    });
    await rename(temporary, link);
  } catch (cause) {
    throw new SoundstageError(
      'device',
      `cannot make a link in ${dirname(link)}: choose a cache folder on a disk that has links`,
      { cause },
    );
  }
}

export async function writeRef(cache: string, repo: string, revision: string, commit: string): Promise<void> {
  if (revision === commit) return;
  const path = join(repoFolder(cache, repo), 'refs', revision);
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, commit);
  await rename(temporary, path);
}

/** Size in bytes of the file `path` leads to, or undefined where there is none (a dangling link counts as none). */
export async function fileSize(path: string): Promise<number | undefined> {
  return ifExists(
    stat(path).then((found) => (found.isFile() ? found.size : undefined)),
    undefined,
  );
}

export async function isSymlink(path: string): Promise<boolean> {
  return (await lstat(path)).isSymbolicLink();
}

async function ifExists<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return otherwise;
    throw error;
  }
}
