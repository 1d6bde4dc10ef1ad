import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, rmdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, expect, test, vi } from 'vitest';
import { startDatabases } from '../../../test/support/databases/databases.ts';
import { DatabaseUnavailable } from '../database-unavailable.ts';
import { openDatabase, openTables } from '../open-database.ts';
import { DatabaseInUseError } from './data-folder-lock.ts';
import { keepUp, logBytes } from './embedded-upkeep.ts';
import { GuardedPglite } from './guarded-pglite.ts';
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

test('leftovers of killed initializations are removed', async () => {
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
  const open = (): Promise<GuardedPglite> => GuardedPglite.open(join(options.dataFolder, 'database'));
  await using connection = await SingleConnection.open(open, expect.fail);
  const query = <Row>(statement: string) => connection.run((session) => session.query<Row>(statement));
  await query(`insert into settings select i::text, to_jsonb(repeat('x', 1000)) from generate_series(1, 5000) i`);
  await query(`update settings set value = '1'`);
  await query(`delete from settings where key <> '1'`);
  const pages = async (): Promise<number> => {
    const { rows } = await query<{ size: string }>(`select pg_relation_size('settings') as size`);
    return Number(rows[0]?.size ?? expect.fail());
  };
  const before = await pages();
  expect(await logBytes(connection)).toBeGreaterThan(5 * 2 ** 20);
  await keepUp(connection);
  expect(await logBytes(connection)).toBeLessThan(2 ** 20);
  expect(await pages()).toBeLessThan(before / 2);
});

test('a crash of the database, as on a full disk, is survived', async () => {
  const options = await databases.newDatabase('embedded');
  const warnings: string[] = [];
  await using database = await openDatabase({ ...options, onWarning: (message) => warnings.push(message) });
  const { kysely, boss, notifications } = database;
  const heard: (string | undefined)[] = [];
  await using _listener = await notifications.listen('a', (payload) => heard.push(payload));
  await boss.createQueue('clips', { notify: true });
  const jobs: unknown[] = [];
  await boss.work('clips', { pollingIntervalSeconds: 60, notifyPollingIntervalSeconds: 60 }, async ([job]) => {
    jobs.push(job?.data);
  });

  // The name PostgreSQL gives the next piece of its log while it makes it; 42 is the process PGlite claims to be.
  const obstacle = join(options.dataFolder, 'database', 'pg_wal', 'xlogtemp.42');
  await mkdir(obstacle);
  const write = (key: string): Promise<unknown> =>
    kysely.transaction().execute(async (transaction) => {
      const value = JSON.stringify(randomBytes(500_000).toString('hex'));
      await transaction.insertInto('settings').values({ key, value }).execute();
    });
  let written = 0;
  const filling = (async () => {
    for (; written < 100; written++) await write(`${written}`);
  })();
  const outage = await filling.then(
    () => expect.fail('nothing stood in its way'),
    (error: unknown) => error,
  );
  expect(outage).toBeInstanceOf(DatabaseUnavailable);
  expect(String((outage as DatabaseUnavailable).cause)).toMatch(/xlogtemp/);
  // Everybody is answered, if only with an error; a database that crashed would hang, and the process with it.
  await Promise.allSettled([write('x'), write('y'), kysely.selectFrom('settings').select('key').execute()]);
  await rmdir(obstacle);

  await vi.waitFor(() => kysely.selectFrom('settings').select('key').execute(), { timeout: 20_000, interval: 200 });
  const keys = (await kysely.selectFrom('settings').select('key').execute()).map(({ key }) => key);
  expect(keys).toEqual(expect.arrayContaining(Array.from({ length: written }, (_, index) => `${index}`)));
  expect(warnings.join()).toMatch(/the embedded database crashed and is opened again: .*xlogtemp/);
  await notifications.notify('a', 'again');
  await vi.waitFor(() => expect(heard).toEqual(expect.arrayContaining([undefined, 'again'])));
  await boss.send('clips', { a: 1 });
  await vi.waitFor(() => expect(jobs).toEqual([{ a: 1 }]), 5000);
});

test('a transaction that waits for itself is told so', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    await using tables = await openTables(await databases.newDatabase('embedded'));
    const stuck = tables.kysely.transaction().execute(async () => {
      const inner = tables.kysely.selectFrom('settings').selectAll().execute();
      await Promise.all([inner, vi.advanceTimersByTimeAsync(31_000)]);
    });
    await expect(stuck).rejects.toThrow(/did not come free within 30 s: is a transaction left open/);
    expect(await tables.kysely.selectFrom('settings').selectAll().execute()).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
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
