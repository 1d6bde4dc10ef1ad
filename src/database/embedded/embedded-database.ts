import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Kysely } from 'kysely';
import { SoundstageError } from '../../shared/errors.ts';
import type { Backend, OnWarning } from '../backend.ts';
import type { Tables } from '../tables.ts';
import { lockDataFolder } from './data-folder-lock.ts';
import { embeddedNotifications } from './embedded-notifications.ts';
import { embeddedQueue } from './embedded-queue.ts';
import { startUpkeep } from './embedded-upkeep.ts';
import { GuardedPglite } from './guarded-pglite.ts';
import { serialDialect } from './serial-dialect.ts';
import { SingleConnection } from './single-connection.ts';
import { syncFolder, syncTree } from './synced-folder.ts';

const unfinishedPrefix = 'database.unfinished-';

/**
 * The database in the folder `database` of `dataFolder`, made if it is not there.
 *
 * @throws SoundstageError `device` while another process has it open, or where it cannot be opened
 */
export async function openEmbeddedBackend(dataFolder: string, onWarning: OnWarning): Promise<Backend> {
  await using opened = new AsyncDisposableStack();
  opened.use(await lockDataFolder(dataFolder));
  const folder = await databaseFolder(dataFolder);
  const connection = opened.use(await SingleConnection.open(() => openExisting(folder), onWarning));
  opened.use(startUpkeep(connection, onWarning));
  const kysely = opened.adopt(new Kysely<Tables>({ dialect: serialDialect(connection) }), (kysely) => kysely.destroy());
  const notifications = embeddedNotifications(connection, kysely, onWarning);
  const stack = opened.move();
  return {
    kind: 'embedded',
    kysely,
    notifications,
    // There is no autovacuum to watch; see the upkeep.
    queue: { db: embeddedQueue(connection, notifications), backend: 'pglite', monitorVacuum: false },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function databaseFolder(dataFolder: string): Promise<string> {
  const folder = join(dataFolder, 'database');
  try {
    await removeUnfinished(dataFolder);
    if (!existsSync(folder)) await initialize(dataFolder, folder);
    return folder;
  } catch (cause) {
    throw cause instanceof SoundstageError ? cause : unusable(folder, cause);
  }
}

/** Elsewhere first, so that a folder called `database` is always a whole one. */
async function initialize(dataFolder: string, folder: string): Promise<void> {
  const unfinished = join(dataFolder, `${unfinishedPrefix}${randomUUID()}`);
  await mkdir(unfinished, { mode: 0o700 });
  const database = await open(unfinished);
  await database.close();
  await syncTree(unfinished);
  await rename(unfinished, folder);
  await syncFolder(dataFolder);
}

async function removeUnfinished(dataFolder: string): Promise<void> {
  for (const name of await readdir(dataFolder)) {
    if (name.startsWith(unfinishedPrefix)) await rm(join(dataFolder, name), { recursive: true, force: true });
  }
}

/** Never makes one: where the folder was moved away, an empty database in its place would pass for it. */
async function openExisting(folder: string): Promise<GuardedPglite> {
  if (!existsSync(join(folder, 'PG_VERSION'))) throw unusable(folder, new Error('it is not there'));
  return await open(folder);
}

async function open(folder: string): Promise<GuardedPglite> {
  try {
    return await GuardedPglite.open(folder);
  } catch (cause) {
    throw unusable(folder, cause);
  }
}

function unusable(folder: string, cause: unknown): SoundstageError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SoundstageError(
    'device',
    `cannot open the database in ${folder}: ${reason}; it needs a local disk with free space that you may write to`,
    { cause },
  );
}
