import { createHash, randomUUID } from 'node:crypto';
import { cpSync, existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openEmbeddedBackend } from '../../src/database/embedded-database.ts';
import type { DatabaseOptions } from '../../src/database/open-database.ts';
import { startPostgres } from './postgres.ts';

export type DatabaseKind = 'embedded' | 'server';

/** Databases of one test file. */
export interface TestDatabases extends AsyncDisposable {
  /** `embedded`, and `server` where PostgreSQL is installed: for `describe.each`. */
  readonly kinds: readonly DatabaseKind[];
  /** Options of `openDatabase` for an empty database and data folder, which may be opened again and again. */
  newDatabase(kind: DatabaseKind): Promise<DatabaseOptions>;
}

/** Call it at the top of a test file, and dispose of it in `afterAll`. */
export async function startDatabases(): Promise<TestDatabases> {
  const root = await mkdtemp(join(tmpdir(), 'soundstage-databases-'));
  const postgres = await startPostgres();
  await emptyDatabase();
  let folders = 0;
  return {
    kinds: postgres === undefined ? ['embedded'] : ['embedded', 'server'],
    newDatabase: async (kind) => {
      const dataFolder = join(root, `data-${folders++}`);
      if (kind === 'server') return { dataFolder, databaseUrl: await postgres?.newDatabase() };
      await putEmptyDatabase(dataFolder);
      return { dataFolder };
    },
    [Symbol.asyncDispose]: async () => {
      await postgres?.[Symbol.asyncDispose]();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** Puts an embedded database without tables into a data folder: making one takes seconds, copying it a moment. */
export async function putEmptyDatabase(dataFolder: string): Promise<void> {
  // The asynchronous `cp` takes several times as long for its thousand files.
  cpSync(await emptyDatabase(), join(dataFolder, 'database'), { recursive: true });
}

let made: Promise<string> | undefined;

/** Its folder, which is kept for later runs. */
function emptyDatabase(): Promise<string> {
  made ??= makeEmptyDatabase();
  return made;
}

async function makeEmptyDatabase(): Promise<string> {
  const source = await readFile(join(import.meta.dirname, '../../src/database/guarded-pglite.ts'));
  const library = await readFile(fileURLToPath(import.meta.resolve('@electric-sql/pglite')));
  const name = createHash('sha256').update(source).update(library).digest('hex').slice(0, 16);
  const cache = join(import.meta.dirname, '../../node_modules/.cache/soundstage-databases');
  const template = join(cache, name);
  if (existsSync(template)) return template;
  const unfinished = join(cache, `${name}-${randomUUID()}`);
  await (await openEmbeddedBackend(unfinished, (message) => process.emitWarning(message)))[Symbol.asyncDispose]();
  try {
    await rename(join(unfinished, 'database'), template);
  } catch (error) {
    // Another test file was faster.
    if (!existsSync(template)) throw error;
  }
  await rm(unfinished, { recursive: true, force: true });
  return template;
}
