import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite, types } from '@electric-sql/pglite';
import { SoundstageError } from '../shared/errors.ts';
import type { Backend, OnWarning } from './backend.ts';
import { lockDataFolder } from './data-folder-lock.ts';
import { EmbeddedNotifications } from './embedded-notifications.ts';
import { startUpkeep } from './embedded-upkeep.ts';
import { serialDialect } from './serial-dialect.ts';
import { SingleConnection } from './single-connection.ts';
import { SyncedFolder, syncFolder, syncTree } from './synced-folder.ts';

const UNFINISHED_PREFIX = 'database.unfinished-';

const START_PARAMETERS = [
  // PGlite turns fsync off; a power cut would then damage the database.
  ...PGlite.defaultStartParams.filter((parameter) => parameter !== '-F'),
  // The default, fdatasync, does nothing in PGlite's C library.
  ...['-c', 'wal_sync_method=fsync'],
];

/** Segments of the log of 16 MiB, the default, would double the size of a small database. */
const INITIAL_PARAMETERS = ['--wal-segsize=1'];

/** What node-postgres does: numbers that JavaScript cannot hold stay text. */
const PARSERS = { [types.INT8]: (text: string) => text };

/**
 * The database in the folder `database` of `dataFolder`, made if it is not there.
 *
 * @throws SoundstageError `device` while another process has it open, or where it cannot be opened
 */
export async function openEmbeddedBackend(dataFolder: string, onWarning: OnWarning): Promise<Backend> {
  await using opened = new AsyncDisposableStack();
  opened.use(await lockDataFolder(dataFolder));
  const pglite = opened.use(await openFolder(dataFolder));
  const connection = new SingleConnection(pglite);
  opened.use(startUpkeep(connection, onWarning));
  const stack = opened.move();
  return {
    kind: 'embedded',
    dialect: serialDialect(connection),
    // There is no autovacuum to watch; see the upkeep.
    queue: { db: connection.forQueue(), backend: 'pglite', monitorVacuum: false },
    openNotifications: async (kysely) => new EmbeddedNotifications(connection, kysely, onWarning),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function openFolder(dataFolder: string): Promise<PGlite> {
  const folder = join(dataFolder, 'database');
  try {
    await removeUnfinished(dataFolder);
    if (!existsSync(folder)) await initialise(dataFolder, folder);
    return await openPglite(folder);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SoundstageError(
      'device',
      `cannot open the database in ${folder}: ${reason}; it needs a local disk with free space that you may write to`,
      { cause },
    );
  }
}

/** Elsewhere first, so that a folder called `database` is always a whole one. */
async function initialise(dataFolder: string, folder: string): Promise<void> {
  const unfinished = join(dataFolder, `${UNFINISHED_PREFIX}${randomUUID()}`);
  await mkdir(unfinished, { mode: 0o700 });
  const pglite = await openPglite(unfinished);
  await pglite.close();
  await syncTree(unfinished);
  await rename(unfinished, folder);
  await syncFolder(dataFolder);
}

async function removeUnfinished(dataFolder: string): Promise<void> {
  for (const name of await readdir(dataFolder)) {
    if (name.startsWith(UNFINISHED_PREFIX)) await rm(join(dataFolder, name), { recursive: true, force: true });
  }
}

function openPglite(folder: string): Promise<PGlite> {
  return PGlite.create({
    fs: new SyncedFolder(folder),
    startParams: START_PARAMETERS,
    initDbStartParams: INITIAL_PARAMETERS,
    parsers: PARSERS,
  });
}
