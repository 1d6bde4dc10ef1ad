import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { fromKysely } from 'pg-boss';
import { afterAll, describe, expect, test } from 'vitest';
import { startDatabases } from '../../../test/support/databases/databases.ts';
import { openDatabase } from '../open-database.ts';

const databases = await startDatabases();
afterAll(() => databases[Symbol.asyncDispose]());

const text = (value: string) => ({ key: value, value: JSON.stringify(value) });

describe.each(databases.kinds)('statements and transactions at the same time (%s)', (kind) => {
  test('a rollback takes nobody else’s statements with it, and nobody sees it half done', async () => {
    await using database = await openDatabase(await databases.newDatabase(kind));
    const { kysely } = database;
    const keys = async (): Promise<string[]> =>
      (await kysely.selectFrom('settings').select('key').orderBy('key').execute()).map(({ key }) => key);

    const steps = Promise.withResolvers<void>();
    const failing = kysely.transaction().execute(async (transaction) => {
      await transaction.insertInto('settings').values(text('failing-1')).execute();
      steps.resolve();
      await sleep(50);
      await transaction.insertInto('settings').values(text('failing-2')).execute();
      throw new Error('changed my mind');
    });
    await steps.promise;
    // All of these are issued while that transaction is open.
    const single = kysely.insertInto('settings').values(text('single')).execute();
    const seen = keys();
    const other = kysely.transaction().execute(async (transaction) => {
      await transaction.insertInto('settings').values(text('other-1')).execute();
      await sleep(20);
      await transaction.insertInto('settings').values(text('other-2')).execute();
    });
    const last = kysely.insertInto('settings').values(text('last')).execute();

    await expect(failing).rejects.toThrow('changed my mind');
    await Promise.all([single, other, last]);
    expect((await seen).filter((key) => key.startsWith('failing'))).toEqual([]);
    expect(await keys()).toEqual(['last', 'other-1', 'other-2', 'single']);
  });

  test('a failed statement ends its transaction and nothing else', async () => {
    await using database = await openDatabase(await databases.newDatabase(kind));
    const { kysely } = database;
    await kysely.insertInto('settings').values(text('taken')).execute();
    const rounds = Array.from({ length: 30 }, async (_, round) => {
      const failing = kysely.transaction().execute(async (transaction) => {
        await transaction
          .insertInto('settings')
          .values(text(`lost-${round}`))
          .execute();
        await transaction.insertInto('settings').values(text('taken')).execute();
      });
      await Promise.all([
        expect(failing).rejects.toThrow(/duplicate key/),
        expect(kysely.insertInto('settings').values(text('taken')).execute()).rejects.toThrow(/duplicate key/),
        kysely
          .insertInto('settings')
          .values(text(`kept-${round}`))
          .execute(),
      ]);
    });
    await Promise.all(rounds);
    const keys = (await kysely.selectFrom('settings').select('key').execute()).map(({ key }) => key);
    expect(keys.filter((key) => key.startsWith('kept'))).toHaveLength(30);
    expect(keys.filter((key) => key.startsWith('lost'))).toEqual([]);
  });

  test('a statement that swallowed its error does not commit', async () => {
    await using database = await openDatabase(await databases.newDatabase(kind));
    const { kysely } = database;
    const committed = kysely.transaction().execute(async (transaction) => {
      await transaction.insertInto('settings').values(text('a')).execute();
      await sql`select 1 / 0`.execute(transaction).catch(() => {});
    });
    await expect(committed).rejects.toThrow();
    expect(await kysely.selectFrom('settings').selectAll().execute()).toEqual([]);
  });

  test('isolation levels and savepoints are real', async () => {
    await using database = await openDatabase(await databases.newDatabase(kind));
    const { kysely } = database;
    const level = await kysely
      .transaction()
      .setIsolationLevel('serializable')
      .setAccessMode('read only')
      .execute(async (transaction) => {
        const { rows } = await sql<{ level: string; readonly: string }>`
          select current_setting('transaction_isolation') as level, current_setting('transaction_read_only') as readonly
        `.execute(transaction);
        return rows[0];
      });
    expect(level).toEqual({ level: 'serializable', readonly: 'on' });

    const controlled = await kysely.startTransaction().execute();
    await controlled.insertInto('settings').values(text('before')).execute();
    const inside = await controlled.savepoint('a "name"').execute();
    await inside.insertInto('settings').values(text('inside')).execute();
    const back = await inside.rollbackToSavepoint('a "name"').execute();
    await back.releaseSavepoint('a "name"').execute();
    await controlled.commit().execute();
    expect(await kysely.selectFrom('settings').select('key').execute()).toEqual([{ key: 'before' }]);
  });

  test('the queue neither enters an open transaction nor suffers from it', async () => {
    await using database = await openDatabase(await databases.newDatabase(kind));
    const { kysely, boss } = database;
    await boss.createQueue('clips');
    const opened = Promise.withResolvers<void>();
    const failing = kysely.transaction().execute(async (transaction) => {
      await boss.send('clips', { sent: 'inside' }, { db: fromKysely(transaction) });
      opened.resolve();
      await sleep(50);
      await sql`select 1 / 0`.execute(transaction);
    });
    await opened.promise;
    const outside = boss.send('clips', { sent: 'outside' });
    await expect(failing).rejects.toThrow(/division by zero/);
    await outside;
    const jobs = await boss.fetch<{ sent: string }>('clips', { batchSize: 10 });
    expect(jobs.map(({ data }) => data.sent)).toEqual(['outside']);
  });

  test('a failing script of the queue leaves the connection usable for whoever comes next', async () => {
    await using database = await openDatabase(await databases.newDatabase(kind));
    const { kysely, boss } = database;
    const failing = boss.getDb().executeSql('begin; select 1 / 0; commit');
    const next = kysely.insertInto('settings').values(text('next')).execute();
    await expect(failing).rejects.toThrow(/division by zero/);
    await next;
    expect(await kysely.selectFrom('settings').select('key').execute()).toEqual([{ key: 'next' }]);
  });
});
