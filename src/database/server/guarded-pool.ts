import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type { Pool } from 'pg';
import { DatabaseUnavailable, isOutageAnswer } from '../database-unavailable.ts';

/** A pool whose lost and refused connections fail with DatabaseUnavailable, however the driver says it. */
export function guardedPool(pool: Pool): PostgresPool {
  return {
    options: pool.options,
    connect: async () => guardedClient(await explained(pool.connect())),
    end: () => pool.end(),
  };
}

function guardedClient(client: PostgresPoolClient): PostgresPoolClient {
  return new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name !== 'query') return value.bind(target);
      return (...parameters: unknown[]) => explained(value.apply(target, parameters));
    },
  });
}

async function explained<Result>(result: Promise<Result>): Promise<Result> {
  try {
    return await result;
  } catch (error) {
    throw isOutage(error) ? new DatabaseUnavailable(error) : error;
  }
}

/** What the server itself answers has a severity; the rest is of the connection, or a mistake in the statement. */
function isOutage(error: unknown): boolean {
  const isMistake = error instanceof TypeError || error instanceof RangeError;
  const isAnswer = error instanceof Error && 'severity' in error;
  return isAnswer ? isOutageAnswer(error) : !isMistake;
}
