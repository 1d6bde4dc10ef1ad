import { fsyncSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { NodeFS } from '@electric-sql/pglite/nodefs';

const filesAtOnce = 128;

/** PGlite's file system in a folder, with the fsync(2) that it lacks. */
export class SyncedFolder extends NodeFS {
  override async init(...[pglite, options]: Parameters<NodeFS['init']>): ReturnType<NodeFS['init']> {
    const { emscriptenOpts } = await super.init(pglite, options);
    const preRun = [
      ...(emscriptenOpts.preRun ?? []),
      ({ NODEFS }: { readonly NODEFS: object }) => {
        const { stream_ops } = NODEFS as { stream_ops: { fsync?: (stream: { readonly nfd: number }) => number } };
        stream_ops.fsync = ({ nfd }) => {
          fsyncSync(nfd);
          return 0;
        };
      },
    ];
    return { emscriptenOpts: { ...emscriptenOpts, preRun } };
  }

  /** Closes the files of a database that crashed and can do so no longer. */
  abandon(): void {
    const module: { readonly FS: { quit(): void } } | undefined = this.pg?.Module;
    module?.FS.quit();
  }
}

/** Puts a folder and all that is in it on the disk. */
export async function syncTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  // Many at once, since the file system writes its own records for all of them together.
  for (let start = 0; start < entries.length; start += filesAtOnce) {
    const batch = entries.slice(start, start + filesAtOnce).map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return entry.isDirectory() ? syncFolder(path) : syncPath(path);
    });
    await Promise.all(batch);
  }
  await syncFolder(folder);
}

/** Puts the names in a folder on the disk; Windows does so by itself and refuses to be asked. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform !== 'win32') await syncPath(folder);
}

async function syncPath(path: string): Promise<void> {
  // Windows syncs only what is open for writing; elsewhere a folder cannot be.
  await using file = await open(path, process.platform === 'win32' ? 'r+' : 'r');
  await file.sync();
}
