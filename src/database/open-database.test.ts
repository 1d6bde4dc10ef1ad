import { sql } from 'kysely';
import { afterAll, describe, expect, test } from 'vitest';
import { startDatabases } from '../../test/support/databases/databases.ts';
import { SoundstageError } from '../shared/errors.ts';
import { openDatabase, openTables } from './open-database.ts';

const databases = await startDatabases();
afterAll(() => databases[Symbol.asyncDispose]());

describe.each(databases.kinds)('openDatabase (%s)', (kind) => {
  test('values come back the same from every database', async () => {
    await using database = await openDatabase(await databases.newDatabase(kind));
    const { kysely } = database;
    const { rows } = await sql`
      select 9007199254740993::int8 as large, 5::int8 as small, array[1, 2]::int8[] as larges, 1.50::numeric as numeric,
        1.5::float8 as double, 7::int4 as integer, true as boolean, null::int8 as nothing, count(*) as count,
        '2024-01-02T03:04:05.678Z'::timestamptz as time, '{"a":[1,"ü"]}'::jsonb as object, '"text"'::jsonb as string,
        array['a', 'b"c'] as texts, '6f1c8a1e-0000-7000-8000-000000000000'::uuid as uuid
    `.execute(kysely);
    expect(rows).toEqual([
      {
        large: '9007199254740993',
        small: '5',
        larges: ['1', '2'],
        numeric: '1.50',
        double: 1.5,
        integer: 7,
        boolean: true,
        nothing: null,
        count: '1',
        time: new Date('2024-01-02T03:04:05.678Z'),
        object: { a: [1, 'ü'] },
        string: 'text',
        texts: ['a', 'b"c'],
        uuid: '6f1c8a1e-0000-7000-8000-000000000000',
      },
    ]);
  });

  test('JSON of every kind survives writing and reading', async () => {
    await using database = await openTables(await databases.newDatabase(kind));
    const { kysely } = database;
    const values = [['a', 1, null], { b: { c: [] } }, 'text', null, true, 1.5, '{"a":1}', 'ü\n"\\'];
    const rows = values.map((value, index) => ({ key: `${index}`, value: JSON.stringify(value) }));
    await kysely.insertInto('settings').values(rows).execute();
    const read = await kysely.selectFrom('settings').select('value').orderBy('key').execute();
    expect(read.map(({ value }) => value)).toEqual(values);
  });

  test('parameters of every type we use are written alike', async () => {
    await using database = await openTables(await databases.newDatabase(kind));
    const { kysely } = database;
    const at = new Date('2024-01-02T03:04:05.678Z');
    await kysely
      .insertInto('files')
      .values({
        id: 'a',
        owner: 'o',
        name: 'x\'"\\y\u{1f600}',
        content_type: 'video/mp4',
        size: '9007199254740993',
        state: 'pending',
        access: 'allow',
        access_rules: '[]',
        expires_at: at,
      })
      .execute();
    const row = await kysely
      .selectFrom('files')
      .select(['name', 'size', 'expires_at', 'request_id'])
      .where('expires_at', '=', at)
      .where('size', '>', '9007199254740992')
      .where('id', 'in', ['a', 'b'])
      .executeTakeFirst();
    expect(row).toEqual({ name: 'x\'"\\y\u{1f600}', size: '9007199254740993', expires_at: at, request_id: null });
    const { numUpdatedRows } = await kysely.updateTable('files').set({ owner: 'p' }).executeTakeFirst();
    expect(numUpdatedRows).toBe(1n);
  });

  test('what was written is there after closing and opening', async () => {
    const options = await databases.newDatabase(kind);
    {
      await using database = await openDatabase(options);
      await database.boss.createQueue('clips');
      await database.boss.send('clips', { a: 1 });
      await database.kysely.insertInto('settings').values({ key: 'a', value: '1' }).execute();
    }
    await using database = await openDatabase(options);
    expect(await database.kysely.selectFrom('settings').selectAll().execute()).toEqual([{ key: 'a', value: 1 }]);
    expect(await database.boss.fetch('clips')).toMatchObject([{ data: { a: 1 } }]);
  });

  test('refuses a database of a newer version, and leaves it alone', async () => {
    const options = await databases.newDatabase(kind);
    {
      await using tables = await openTables(options);
      await sql`insert into kysely_migration values ('9999-future', ${new Date().toISOString()})`.execute(
        tables.kysely,
      );
    }
    const opening = openDatabase(options);
    await expect(opening).rejects.toThrow(SoundstageError);
    await expect(opening).rejects.toThrow(/newer version of Soundstage.*9999-future/);
  });
});

describe.runIf(databases.kinds.includes('server'))('several servers on one PostgreSQL', () => {
  test('start at once on an empty database', async () => {
    const options = await databases.newBareDatabase();
    const servers = await Promise.all(Array.from({ length: 6 }, () => openDatabase(options)));
    try {
      const { rows } = await sql`select name from kysely_migration`.execute(servers[0]?.kysely ?? expect.fail());
      expect(new Set(rows.map((row) => JSON.stringify(row))).size).toBe(rows.length);
      await Promise.all(servers.map(({ boss }) => boss.createQueue('clips')));
    } finally {
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
    }
  });

  test('an address where nobody answers is named, without its password', async () => {
    const opening = openDatabase({
      dataFolder: '/nowhere',
      databaseUrl: 'postgresql://me:secret@127.0.0.1:1/soundstage',
    });
    await expect(opening).rejects.toThrow(/127\.0\.0\.1:1.*DATABASE_URL/);
    await expect(opening).rejects.not.toThrow(/secret/);
  });
});
