import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { SoundstageError } from '../../shared/errors.ts';
import type { Backend, OnWarning } from '../backend.ts';
import type { Tables } from '../tables.ts';
import { guardedPool } from './guarded-pool.ts';
import { ServerNotifications } from './server-notifications.ts';

const maxConnections = 10;
const queueConnections = 4;
const connectMilliseconds = 10_000;

/**
 * A pool of connections to the PostgreSQL server at `url`. Lost connections are replaced; only the statements on them
 * fail.
 *
 * @throws SoundstageError `network` where it does not answer or refuses
 */
export async function openServerBackend(url: string, onWarning: OnWarning): Promise<Backend> {
  const connection = { connectionString: url, connectionTimeoutMillis: connectMilliseconds, keepAlive: true };
  const pool = new Pool({ ...connection, max: maxConnections, application_name: 'soundstage' });
  const warn = (error: Error): void => onWarning(`a database connection was lost: ${error.message}`);
  pool.on('error', warn);
  // The pool listens to idle connections only; one that is lost while in use would end the process.
  pool.on('connect', (client) => client.on('error', () => {}));
  await check(pool, url);
  await using opened = new AsyncDisposableStack();
  const kysely = opened.adopt(
    new Kysely<Tables>({ dialect: new PostgresDialect({ pool: guardedPool(pool) }) }),
    (kysely) => kysely.destroy(),
  );
  const notifications = opened.use(await ServerNotifications.open(connection, kysely, onWarning));
  const stack = opened.move();
  return {
    kind: 'server',
    kysely,
    notifications,
    queue: { ...connection, max: queueConnections, application_name: 'soundstage queue' },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function check(pool: Pool, url: string): Promise<void> {
  try {
    await pool.query('select 1');
  } catch (cause) {
    await pool.end();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SoundstageError(
      'network',
      `cannot use the database at ${withoutPassword(url)} (DATABASE_URL): ${reason}`,
      {
        cause,
      },
    );
  }
}

function withoutPassword(text: string): string {
  if (!URL.canParse(text)) return 'the given address';
  const url = new URL(text);
  url.password = '';
  url.searchParams.delete('password');
  return url.href;
}
