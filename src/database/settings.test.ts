import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startDatabases } from '../../test/support/databases/databases.ts';
import { openTables } from './open-database.ts';
import { setting } from './settings.ts';

const databases = await startDatabases();
afterAll(() => databases[Symbol.asyncDispose]());

describe.each(databases.kinds)('settings (%s)', (kind) => {
  test('a value is made once, however many ask at the same time', async () => {
    await using tables = await openTables(await databases.newDatabase(kind));
    const ask = (): Promise<string> => setting(tables.kysely, 'secret', z.uuid(), async () => randomUUID());
    const values = await Promise.all(Array.from({ length: 20 }, ask));
    expect(new Set(values).size).toBe(1);
    expect(await setting(tables.kysely, 'secret', z.uuid(), () => expect.fail('made again'))).toBe(values[0]);
    expect(await setting(tables.kysely, 'other', z.object({ a: z.array(z.int()) }), () => ({ a: [1] }))).toEqual({
      a: [1],
    });
  });

  test('a value of another shape is refused', async () => {
    await using tables = await openTables(await databases.newDatabase(kind));
    await setting(tables.kysely, 'a', z.string(), () => 'text');
    await expect(setting(tables.kysely, 'a', z.number(), () => 1)).rejects.toThrow(z.ZodError);
  });

  test('a failure to make one keeps nothing', async () => {
    await using tables = await openTables(await databases.newDatabase(kind));
    const failing = setting(tables.kysely, 'a', z.string(), () => Promise.reject(new Error('no entropy')));
    await expect(failing).rejects.toThrow('no entropy');
    expect(await setting(tables.kysely, 'a', z.string(), () => 'later')).toBe('later');
  });
});
