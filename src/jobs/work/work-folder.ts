import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { tryLockFile } from '../../shared/folders/file-lock.ts';
import type { AttemptFolder } from './clip-run.ts';

const lockName = '.lock';

/** A worker's own folder; it exists, locked, as long as the worker. */
export interface WorkFolder extends AsyncDisposable {
  /** Unique among all workers of all machines. */
  readonly workerId: string;
  readonly path: string;
  /** Makes an empty folder for one attempt. */
  open(name: string): Promise<AttemptFolder>;
}

/** Makes a work folder below `root`, and removes those that dead workers left there. */
export async function openWorkFolder(root: string): Promise<WorkFolder> {
  await sweepWorkFolders(root);
  const { workerId, path, lock } = await lockedFolder(root);
  return {
    workerId,
    path,
    async open(name) {
      const folder = join(path, name);
      await mkdir(folder);
      // What cannot be removed now is removed with this folder, or by the next sweep.
      const remove = (): Promise<void> => rm(folder, { recursive: true, force: true }).catch(() => {});
      return { path: folder, [Symbol.asyncDispose]: remove };
    },
    async [Symbol.asyncDispose]() {
      await removeFolder(path, lock);
    },
  };
}

async function lockedFolder(root: string): Promise<{ workerId: string; path: string; lock: Disposable }> {
  for (;;) {
    const workerId = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
    const path = join(root, workerId);
    const lock = await tryLockFile(`${path}${lockName}`);
    // Somebody who sweeps may have been faster by a moment.
    if (lock === undefined) continue;
    await mkdir(path);
    return { workerId, path, lock };
  }
}

/** Removes the folders of dead workers. A live one, in whatever process of this machine, holds its lock. */
export async function sweepWorkFolders(root: string): Promise<void> {
  await mkdir(root, { recursive: true });
  for (const entry of await readdir(root)) {
    if (!entry.endsWith(lockName)) continue;
    const path = join(root, entry.slice(0, -lockName.length));
    const lock = await tryLockFile(`${path}${lockName}`);
    if (lock !== undefined) await removeFolder(path, lock);
  }
}

async function removeFolder(path: string, lock: Disposable): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } finally {
    lock[Symbol.dispose]();
  }
  await rm(`${path}${lockName}`, { force: true });
}
