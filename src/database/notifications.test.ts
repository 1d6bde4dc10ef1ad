import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { startDatabases } from '../../test/support/databases/databases.ts';
import { startPostgres } from '../../test/support/databases/postgres.ts';
import { type Database, openDatabase } from './open-database.ts';

const databases = await startDatabases();
afterAll(() => databases[Symbol.asyncDispose]());

describe.each(databases.kinds)('notifications (%s)', (kind) => {
  const open = async (onWarning?: (message: string) => void): Promise<Database> =>
    openDatabase({ ...(await databases.newDatabase(kind)), onWarning });

  test('arrive in order, with any text in channel and payload', async () => {
    await using database = await open();
    const { notifications } = database;
    const channel = 'Requests: "übrig"';
    const heard: (string | undefined)[] = [];
    await using _listener = await notifications.listen(channel, (payload) => heard.push(payload));
    await notifications.notify('requests: "übrig"', 'another channel');
    for (const payload of ['1', '', 'ü\n"\'\\', 'x'.repeat(7999)]) await notifications.notify(channel, payload);
    await vi.waitFor(() => expect(heard).toEqual(['1', '', 'ü\n"\'\\', 'x'.repeat(7999)]));
  });

  test('of a transaction arrive after its commit, and never after a rollback', async () => {
    await using database = await open();
    const { notifications, kysely } = database;
    const heard: (string | undefined)[] = [];
    await using _listener = await notifications.listen('a', (payload) => heard.push(payload));
    const failing = kysely.transaction().execute(async (transaction) => {
      await notifications.notify('a', 'rolled back', transaction);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    await kysely.transaction().execute(async (transaction) => {
      await notifications.notify('a', 'committed', transaction);
      await sleep(50);
      expect(heard).toEqual([]);
    });
    await vi.waitFor(() => expect(heard).toEqual(['committed']));
  });

  test('go to every listener of a channel for as long as it listens', async () => {
    await using database = await open();
    const { notifications } = database;
    const heard: string[] = [];
    const handler = (payload: string | undefined): void => void heard.push(`same ${payload}`);
    const first = await notifications.listen('a', handler);
    const second = await notifications.listen('a', handler);
    await using _other = await notifications.listen('a', (payload) => heard.push(`other ${payload}`));
    await first[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    await notifications.notify('a', '1');
    await vi.waitFor(() => expect(heard).toEqual(['same 1', 'other 1']));
    await second[Symbol.asyncDispose]();
    await notifications.notify('a', '2');
    await vi.waitFor(() => expect(heard).toEqual(['same 1', 'other 1', 'other 2']));
  });

  test('a channel whose last listener leaves while the next arrives is still heard', async () => {
    await using database = await open();
    const { notifications } = database;
    for (let round = 0; round < 30; round++) {
      const heard: (string | undefined)[] = [];
      const leaving = await notifications.listen('a', () => {});
      const [next] = await Promise.all([
        notifications.listen('a', (payload) => heard.push(payload)),
        leaving[Symbol.asyncDispose](),
      ]);
      await notifications.notify('a', `${round}`);
      await vi.waitFor(() => expect(heard).toEqual([`${round}`]));
      await next[Symbol.asyncDispose]();
    }
  });

  test('a handler that throws disturbs no other', async () => {
    const warnings: string[] = [];
    await using database = await open((message) => warnings.push(message));
    const heard: (string | undefined)[] = [];
    await using _bad = await database.notifications.listen('a', () => {
      throw new Error('bad handler');
    });
    await using _good = await database.notifications.listen('a', (payload) => heard.push(payload));
    await database.notifications.notify('a', '1');
    await vi.waitFor(() => expect(heard).toEqual(['1']));
    expect(warnings.join()).toContain('bad handler');
  });

  test('thousands at once all arrive', async () => {
    await using database = await open();
    let heard = 0;
    await using _listener = await database.notifications.listen('a', () => heard++);
    await Promise.all(Array.from({ length: 3000 }, (_, index) => database.notifications.notify('a', `${index}`)));
    await vi.waitFor(() => expect(heard).toBe(3000), 10_000);
  });
});

describe.runIf(databases.kinds.includes('server'))('notifications between processes', () => {
  test('reach every server', async () => {
    const options = await databases.newDatabase('server');
    await using one = await openDatabase(options);
    await using two = await openDatabase(options);
    const heard: (string | undefined)[] = [];
    await using _listener = await two.notifications.listen('a', (payload) => heard.push(payload));
    await one.notifications.notify('a', 'hello');
    await vi.waitFor(() => expect(heard).toEqual(['hello']));
  });

  test('a lost connection is replaced, and the gap is announced', async () => {
    const options = await databases.newDatabase('server');
    const warnings: string[] = [];
    await using database = await openDatabase({ ...options, onWarning: (message) => warnings.push(message) });
    const heard: (string | undefined)[] = [];
    await using _listener = await database.notifications.listen('a', (payload) => heard.push(payload));
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'soundstage notifications'
      and datname = current_database()`.execute(database.kysely);
    await vi.waitFor(() => expect(heard).toEqual([undefined]), 5000);
    await database.notifications.notify('a', 'again');
    await vi.waitFor(() => expect(heard).toEqual([undefined, 'again']));
    expect(warnings.join()).toContain('the connection for notifications was lost');
  });

  test('everything recovers from a crash of the server', async () => {
    await using postgres = await startPostgres();
    const databaseUrl = (await postgres?.newDatabase()) ?? expect.fail();
    await using database = await openDatabase({ dataFolder: '/nowhere', databaseUrl, onWarning: () => {} });
    const { kysely, boss, notifications } = database;
    await boss.createQueue('clips', { notify: true });
    const jobs: unknown[] = [];
    await boss.work('clips', { pollingIntervalSeconds: 0.5 }, async ([job]) => void jobs.push(job?.data));
    const heard: (string | undefined)[] = [];
    await using _listener = await notifications.listen('a', (payload) => heard.push(payload));
    const interrupted = kysely.transaction().execute(async (transaction) => {
      await transaction.insertInto('settings').values({ key: 'a', value: '1' }).execute();
      await postgres?.restart();
      await transaction.insertInto('settings').values({ key: 'b', value: '1' }).execute();
    });
    await expect(interrupted).rejects.toThrow();
    await vi.waitFor(() => expect(heard).toEqual([undefined]), 10_000);
    expect(await kysely.selectFrom('settings').selectAll().execute()).toEqual([]);
    await Promise.all(Array.from({ length: 20 }, () => kysely.selectFrom('settings').selectAll().execute()));
    await boss.send('clips', { a: 1 });
    await vi.waitFor(() => expect(jobs).toEqual([{ a: 1 }]), 10_000);
  });
});
