import type { Kysely } from 'kysely';
import type { z } from 'zod';
import type { Tables } from './tables.ts';

/**
 * A value that is made once and then the same for every process with this database, such as a secret.
 *
 * @throws ZodError where the kept value does not fit `schema`
 */
export async function setting<Value>(
  kysely: Kysely<Tables>,
  key: string,
  schema: z.ZodType<Value>,
  make: () => Value | Promise<Value>,
): Promise<Value> {
  const kept = await read(kysely, key);
  if (kept !== undefined) return schema.parse(kept.value);
  await kysely
    .insertInto('settings')
    .values({ key, value: JSON.stringify(await make()) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  // Somebody else's, if that was faster.
  return schema.parse((await read(kysely, key))?.value);
}

function read(kysely: Kysely<Tables>, key: string): Promise<{ readonly value: unknown } | undefined> {
  return kysely.selectFrom('settings').select('value').where('key', '=', key).executeTakeFirst();
}
