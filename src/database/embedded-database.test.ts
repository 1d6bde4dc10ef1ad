import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import { startDatabases } from '../../test/support/databases.ts';
import { DatabaseInUseError } from './data-folder-lock.ts';
import { keepUp, logBytes } from './embedded-upkeep.ts';
import { openDatabase, openTables } from './open-database.ts';
import { SingleConnection } from './single-connection.ts';

const databases = await startDatabases();
afterAll(() => databases[Symbol.asyncDispose]());

test('a second opening is refused while the first lasts, and says who has it', async () => {
  const options = await databases.newDatabase('embedded');
  {
    await using _first = await openTables(options);
    const second = openTables(options);
    await expect(second).rejects.toThrow(DatabaseInUseError);
    await expect(second).rejects.toThrow(
      new RegExp(`${options.dataFolder} is in use by process ${process.pid}: .*--data folder.*DATABASE_URL`),
    );
  }
  await using _third = await openTables(options);
});

test('another process is refused as well, and its death frees the database', async () => {
  const options = await databases.newDatabase('embedded');
  const victim = join(import.meta.dirname, 'kill-victim.test-support.ts');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', victim, options.dataFolder]);
  try {
    while (!String((await once(child.stdout, 'data'))[0]).includes('committed'));
    await expect(openTables(options)).rejects.toThrow(`in use by process ${child.pid}`);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  // The number of a dead process, which may be that of a living one by now, keeps nobody out.
  await writeFile(join(options.dataFolder, 'database.pid'), `${process.pid}\n`);
  await using _tables = await openTables(options);
});

test('waits for one that is about to close', async () => {
  const options = await databases.newDatabase('embedded');
  const first = await openTables(options);
  const second = openTables(options);
  setTimeout(() => void first[Symbol.asyncDispose](), 300);
  await using _tables = await second;
});

test('leftovers of killed initialisations are removed', async () => {
  const options = await databases.newDatabase('embedded');
  await mkdir(join(options.dataFolder, 'database.unfinished-1', 'base'), { recursive: true });
  await writeFile(join(options.dataFolder, 'database.unfinished-1', 'base', '1'), 'half');
  await using _tables = await openTables(options);
  expect((await readdir(options.dataFolder)).filter((name) => name.includes('unfinished'))).toEqual([]);
});

test('a damaged database is an error that names it, and frees the lock', async () => {
  const options = await databases.newDatabase('embedded');
  await truncate(join(options.dataFolder, 'database', 'global', 'pg_control'), 100);
  for (const _attempt of [1, 2]) {
    await expect(openTables(options)).rejects.toThrow(
      new RegExp(`cannot open the database in ${options.dataFolder}/database: `),
    );
  }
});

test('the log of changes and dead rows do not pile up', async () => {
  const options = await databases.newDatabase('embedded');
  await (await openTables(options))[Symbol.asyncDispose]();
  await using pglite = await PGlite.create(join(options.dataFolder, 'database'));
  const connection = new SingleConnection(pglite);
  await pglite.exec(`insert into settings select i::text, to_jsonb(repeat('x', 1000)) from generate_series(1, 5000) i`);
  await pglite.exec(`update settings set value = '1'`);
  await pglite.exec(`delete from settings where key <> '1'`);
  const pages = async (): Promise<number> => {
    const { rows } = await pglite.query<{ size: number }>(`select pg_relation_size('settings') as size`);
    return rows[0]?.size ?? expect.fail();
  };
  const before = await pages();
  expect(await logBytes(connection)).toBeGreaterThan(5 * 2 ** 20);
  await keepUp(connection);
  expect(await logBytes(connection)).toBeLessThan(2 ** 20);
  expect(await pages()).toBeLessThan(before / 2);
});

test('what is committed has been synced to the disk', async () => {
  await using database = await openDatabase(await databases.newDatabase('embedded'));
  const { rows } = await sql`
    select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'wal_sync_method') order by name
  `.execute(database.kysely);
  expect(rows).toEqual([
    { name: 'fsync', setting: 'on' },
    { name: 'synchronous_commit', setting: 'on' },
    { name: 'wal_sync_method', setting: 'fsync' },
  ]);
});
