import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { startDatabases } from '../../../test/support/databases/databases.ts';
import { openTables } from '../open-database.ts';
import { ApiKeys } from './api-keys.ts';

const databases = await startDatabases();
afterAll(() => databases[Symbol.asyncDispose]());

describe.each(databases.kinds)('API keys (%s)', (kind) => {
  test('a key works until it is revoked, and only with its own secret', async () => {
    await using tables = await openTables(await databases.newDatabase(kind));
    const keys = new ApiKeys(tables.kysely);
    const one = await keys.create({ name: 'one', scope: 'API' });
    const two = await keys.create({ name: 'two', scope: 'ADMIN' });
    expect(one.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/);
    expect(one.secret).toMatch(/^[0-9a-f]{32}$/);

    expect(await keys.verify(one.id, one.secret)).toEqual({ owner: one.id, scope: 'API' });
    expect(await keys.verify(two.id, two.secret)).toEqual({ owner: two.id, scope: 'ADMIN' });
    for (const [id, secret] of [
      [one.id, two.secret],
      [one.id, ''],
      [one.id, one.secret.slice(0, -1)],
      [one.id, `${one.secret}0`],
      [one.id.toUpperCase(), one.secret],
      ['', ''],
      ['__proto__', 'a'],
      ["' or 1=1 --", 'a'],
      ['a\0b', 'c\0'],
    ] as const) {
      expect(await keys.verify(id, secret)).toBeUndefined();
    }

    expect(await keys.revoke(one.id)).toBe(true);
    expect(await keys.revoke(one.id)).toBe(false);
    expect(await keys.revoke('unknown')).toBe(false);
    expect(await keys.verify(one.id, one.secret)).toBeUndefined();
    expect(await keys.verify(two.id, two.secret)).toBeDefined();
  });

  test('no secret is kept', async () => {
    await using tables = await openTables(await databases.newDatabase(kind));
    const { secret } = await new ApiKeys(tables.kysely).create({ name: 'one', scope: 'API' });
    expect(JSON.stringify(await tables.kysely.selectFrom('api_keys').selectAll().execute())).not.toContain(secret);
  });

  test('a revoked key still counts as one that was created', async () => {
    await using tables = await openTables(await databases.newDatabase(kind));
    const keys = new ApiKeys(tables.kysely);
    expect(await keys.any()).toBe(false);
    const { id } = await keys.create({ name: 'one', scope: 'API' });
    expect(await keys.any()).toBe(true);
    await keys.revoke(id);
    expect(await keys.any()).toBe(true);
    expect(await keys.list()).toMatchObject([{ id, name: 'one', scope: 'API', revokedAt: expect.any(Date) }]);
  });

  test('what another process does is known within a second', async () => {
    await using tables = await openTables(await databases.newDatabase(kind));
    const here = new ApiKeys(tables.kysely);
    const elsewhere = new ApiKeys(tables.kysely);
    expect(await here.any()).toBe(false);
    const { id, secret } = await elsewhere.create({ name: 'one', scope: 'API' });
    await sleep(1000);
    expect(await here.verify(id, secret)).toBeDefined();
    await elsewhere.revoke(id);
    await sleep(1000);
    expect(await here.verify(id, secret)).toBeUndefined();
  });

  test('checking thousands of times costs a handful of statements', async () => {
    await using tables = await openTables(await databases.newDatabase(kind));
    let statements = 0;
    const counted = tables.kysely.withPlugin({
      transformQuery: ({ node }) => {
        statements++;
        return node;
      },
      transformResult: async ({ result }) => result,
    });
    const keys = new ApiKeys(counted);
    const { id, secret } = await keys.create({ name: 'one', scope: 'API' });
    statements = 0;
    const start = performance.now();
    for (let count = 0; count < 5000; count++) await keys.verify(id, count % 2 === 0 ? secret : 'wrong');
    const allowed = 1 + Math.ceil((performance.now() - start) / 500);
    expect(statements).toBeGreaterThan(0);
    expect(statements).toBeLessThanOrEqual(allowed);
  });

  test('a failed read is not remembered', async () => {
    await using tables = await openTables(await databases.newDatabase(kind));
    let isBroken = false;
    const keys = new ApiKeys(
      tables.kysely.withPlugin({
        transformQuery: ({ node }) => node,
        transformResult: async ({ result }) => {
          if (isBroken) throw new Error('connection lost');
          return result;
        },
      }),
    );
    const { id, secret } = await keys.create({ name: 'one', scope: 'API' });
    isBroken = true;
    await expect(keys.verify(id, secret)).rejects.toThrow('connection lost');
    isBroken = false;
    expect(await keys.verify(id, secret)).toBeDefined();
  });
});
