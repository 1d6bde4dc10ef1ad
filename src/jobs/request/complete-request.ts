import { sql, type Transaction } from 'kysely';
import { fromKysely } from 'pg-boss';
import type { Database } from '../../database/open-database.ts';
import type { Tables } from '../../database/tables.ts';
import { sendWebhook } from '../webhooks/webhook-queue.ts';
import { endParts, partEnded } from './film-rows.ts';
import type { Outcome } from './outcome.ts';
import { channels, clipsQueue } from './queues.ts';
import { removeProgress } from './request-progress.ts';
import type { LockedRequest } from './request-row.ts';
import { storedJson, storedText } from './stored-text.ts';

/** Seconds for which the payloads of `sync_mode` and `X-Fal-Store-IO: 0` outlive their request. */
export const privateRetention = 600;

export interface JobsContext {
  readonly database: Database;
  /** Seconds for which payloads of finished requests are kept. */
  readonly payloadRetention: number;
}

/**
 * Completes a request, in the transaction that locked it: its outcome, its webhook, the end of its job in the queue.
 * The only way to COMPLETED.
 */
export async function completeRequest(
  { database, payloadRetention }: JobsContext,
  transaction: Transaction<Tables>,
  request: LockedRequest,
  outcome: Outcome,
): Promise<void> {
  const kept = request.listed ? payloadRetention : privateRetention;
  await transaction
    .updateTable('requests')
    .set({
      state: 'COMPLETED',
      ended_at: sql`clock_timestamp()`,
      status_code: outcome.statusCode,
      output: storedJson(outcome.output),
      error: outcome.error === undefined ? null : storedText(outcome.error),
      error_type: outcome.errorType ?? null,
      units: outcome.charge?.units ?? 0,
      inference_seconds: request.runningSeconds,
      payload_expires_at: sql<Date>`clock_timestamp() + make_interval(secs => ${kept})`,
      heartbeat_at: null,
    })
    .where('id', '=', request.id)
    .execute();
  await removeProgress(transaction, request.id);
  await database.boss.deleteJob(clipsQueue, request.id, { db: fromKysely(transaction) });
  if (request.webhook !== null) await sendWebhook(database, transaction, request.id, request.webhook);
  await database.notifications.notify(channels.requests, request.id, transaction);
  const complete = (other: LockedRequest, its: Outcome): Promise<void> =>
    completeRequest({ database, payloadRetention }, transaction, other, its);
  if (request.film !== null) {
    await partEnded({ database, payloadRetention }, transaction, request, outcome, complete);
  } else {
    await endParts(transaction, request.id, (part) => complete(part, outcome));
  }
}

/** Puts a request that a worker had taken back where it was in the queue, in the transaction that locked it. */
export async function requeue(
  { database }: JobsContext,
  transaction: Transaction<Tables>,
  request: LockedRequest,
): Promise<void> {
  await transaction
    .updateTable('requests')
    .set({ state: 'IN_QUEUE', worker: null, started_at: null, heartbeat_at: null })
    .where('id', '=', request.id)
    .execute();
  await removeProgress(transaction, request.id);
  await database.boss.fail(clipsQueue, request.id, undefined, { db: fromKysely(transaction) });
  await database.notifications.notify(channels.requests, request.id, transaction);
  await database.notifications.notify(channels.clips, '', transaction);
}

/** Like `requeue`, but behind all that wait now: for a request that may be to blame for what happened. */
export async function requeueLast(
  context: JobsContext,
  transaction: Transaction<Tables>,
  request: LockedRequest,
): Promise<void> {
  await requeue(context, transaction, request);
  await transaction
    .updateTable('requests')
    .set({ requeued_at: sql<Date>`clock_timestamp()` })
    .where('id', '=', request.id)
    .execute();
  // The queue knows no other way; jobs of one priority are taken in the order of their making.
  await sql`
    update pgboss.job set created_on = clock_timestamp() where name = ${clipsQueue} and id = ${request.id}`.execute(
    transaction,
  );
}
