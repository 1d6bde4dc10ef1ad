import { type RawBuilder, sql } from 'kysely';
import type { Database } from '../../database/open-database.ts';
import { heartbeatTimeout, webhooksQueue } from '../request/queues.ts';

/** Takes their deliveries from senders that are not heard of any more. */
export function releaseFromDeadSenders(database: Database): Promise<void> {
  return releaseDeliveries(
    database,
    sql`heartbeat_on < clock_timestamp() - make_interval(secs => ${heartbeatTimeout})`,
  );
}

/** Call it on an embedded database before the first sender is opened: nobody else can be at a delivery. */
export function recoverAllDeliveries(database: Database): Promise<void> {
  return releaseDeliveries(database, sql`true`);
}

/**
 * Lets go of a delivery that is under way; nothing is counted.
 *
 * @param delivery as it was fetched
 */
export function releaseDelivery(
  database: Database,
  { id, retryCount }: { readonly id: string; readonly retryCount: number },
): Promise<void> {
  return releaseDeliveries(database, sql`id = ${id} and retry_count = ${retryCount}`);
}

/**
 * pg-boss itself could only fail them, which counts an attempt and makes the next one wait. As nothing is counted, it
 * does not tell the next attempt from this one: a sender that was only suspended may record its own end as that of the
 * next one, and the webhook be delivered twice.
 */
async function releaseDeliveries({ kysely }: Database, which: RawBuilder<unknown>): Promise<void> {
  await sql`
    update pgboss.job
    set state = 'created', started_on = null, heartbeat_on = null
    where name = ${webhooksQueue} and id in (
      select id from pgboss.job
      where name = ${webhooksQueue} and state = 'active' and ${which}
      for update skip locked
    )`.execute(kysely);
}
