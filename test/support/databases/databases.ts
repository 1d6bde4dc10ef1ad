import { cpSync } from 'node:fs';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import type { DatabaseOptions } from '../../../src/database/open-database.ts';
import { databaseTemplate, openAndClose } from './database-template.ts';
import { PostgresDatabases, withoutTables, withTables } from './postgres.ts';

/** Of `template1` and `template0`, two thirds of all files, which only a `create database` would read. */
const unusedFolders = ['base/1', 'base/4'];

export type DatabaseKind = 'embedded' | 'server';

/** Databases of one test file. */
export interface TestDatabases extends AsyncDisposable {
  /** `embedded`, and `server` where PostgreSQL is installed: for `describe.each`. */
  readonly kinds: readonly DatabaseKind[];
  /**
   * Options of `openDatabase` for a database that has its tables, but no rows, and for a data folder with nothing else.
   * It may be opened again and again.
   */
  newDatabase(kind: DatabaseKind): Promise<DatabaseOptions>;
  /** The same for one that nobody has opened yet, on a server. */
  newBareDatabase(): Promise<DatabaseOptions>;
}

/** Call it at the top of a test file, and dispose of it in `afterAll`. */
export async function startDatabases(): Promise<TestDatabases> {
  const root = await mkdtemp(join(tmpdir(), 'soundstage-databases-'));
  const url = inject('postgresUrl');
  const postgres = url === undefined ? undefined : new PostgresDatabases(url);
  await emptyDatabase();
  let folders = 0;
  const newFolder = (): string => join(root, `data-${folders++}`);
  return {
    kinds: postgres === undefined ? ['embedded'] : ['embedded', 'server'],
    newBareDatabase: async () => ({ dataFolder: newFolder(), databaseUrl: await postgres?.add(withoutTables) }),
    newDatabase: async (kind) => {
      const dataFolder = newFolder();
      if (kind === 'server') return { dataFolder, databaseUrl: await postgres?.add(withTables) };
      await putEmptyDatabase(dataFolder);
      return { dataFolder };
    },
    [Symbol.asyncDispose]: async () => {
      await postgres?.[Symbol.asyncDispose]();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/**
 * Puts an empty embedded database into a data folder: making one takes seconds, copying it a moment.
 *
 * @param sharedBuffers how much memory it has; give `128MB`, which is PostgreSQL's default, where memory is measured
 */
export async function putEmptyDatabase(dataFolder: string, sharedBuffers = '16MB'): Promise<void> {
  const folder = join(dataFolder, 'database');
  // The asynchronous `cp` takes several times as long for its hundreds of files.
  cpSync(await emptyDatabase(), folder, { recursive: true });
  // Most of the time of opening it would go into clearing them.
  await appendFile(join(folder, 'postgresql.conf'), `shared_buffers = ${sharedBuffers}\n`);
}

let made: Promise<string> | undefined;

/** Its folder, which is kept for later runs. */
async function emptyDatabase(): Promise<string> {
  made ??= databaseTemplate('database', '', async (dataFolder) => {
    await openAndClose({ dataFolder });
    for (const unused of unusedFolders) await rm(join(dataFolder, 'database', unused), { recursive: true });
  });
  return join(await made, 'database');
}
