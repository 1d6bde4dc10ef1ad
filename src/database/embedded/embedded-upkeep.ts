import { setTimeout as sleep } from 'node:timers/promises';
import type { OnWarning } from '../backend.ts';
import type { SingleConnection } from './single-connection.ts';

const intervalMilliseconds = 60_000;
/** Of the log of changes; a crashed server reads this much when it starts again. */
const maxLogBytes = 32 * 2 ** 20;

/**
 * Does what the background processes of a PostgreSQL server do and PGlite does not have: frees the space of deleted
 * rows, keeps the planner's statistics, and cuts the log of changes, which would grow for ever.
 */
export function startUpkeep(connection: SingleConnection, onWarning: OnWarning): AsyncDisposable {
  const stopping = new AbortController();
  const running = (async () => {
    while (await pause(stopping.signal)) {
      try {
        if ((await logBytes(connection)) > maxLogBytes) await keepUp(connection, stopping.signal);
      } catch (error) {
        onWarning(`the upkeep of the database failed: ${String(error)}`);
      }
    }
  })();
  return {
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await running;
    },
  };
}

/** Table by table, so that others get their turn in between. */
export async function keepUp(connection: SingleConnection, signal?: AbortSignal): Promise<void> {
  const { rows } = await connection.run((session) =>
    session.query<{ name: string }>(
      `select format('%I.%I', nspname, relname) as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
        where relkind in ('r', 'm') and nspname not in ('pg_toast', 'information_schema')`,
    ),
  );
  for (const { name } of rows) {
    if (signal?.aborted) return;
    await connection.run((session) => session.exec(`vacuum (analyze) ${name}`));
  }
  await connection.run((session) => session.exec('checkpoint'));
}

/** What a start after a crash would have to read. */
export async function logBytes(connection: SingleConnection): Promise<number> {
  const { rows } = await connection.run((session) =>
    session.query<{ bytes: string }>(
      'select pg_wal_lsn_diff(pg_current_wal_lsn(), redo_lsn) as bytes from pg_control_checkpoint()',
    ),
  );
  return Number(rows[0]?.bytes);
}

async function pause(signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(intervalMilliseconds, undefined, { signal, ref: false });
  } catch {
    // Only the end of the pause by the signal gets here.
  }
  return !signal.aborted;
}
