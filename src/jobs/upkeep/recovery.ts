import { sql, type Transaction } from 'kysely';
import type { Tables } from '../../database/tables.ts';
import { completeRequest, type JobsContext, requeue, requeueLast } from '../request/complete-request.ts';
import {
  abandonedOutcome,
  interruptedOutcome,
  type Outcome,
  timeoutOutcome,
  unstableOutcome,
} from '../request/outcome.ts';
import { heartbeatTimeout } from '../request/queues.ts';
import { type LockedRequest, lockable, retriesOf } from '../request/request-row.ts';
import { maxRetries } from '../request/retries.ts';

const maxBatch = 100;

/** Takes their requests from workers that are not heard of any more. Returns how many. */
export function recoverFromDeadWorkers(context: JobsContext): Promise<number> {
  return context.database.kysely.transaction().execute(async (transaction) => {
    const limit = sql<Date>`clock_timestamp() - make_interval(secs => ${heartbeatTimeout})`;
    const silent = transaction.selectFrom('requests').select('worker').where('heartbeat_at', '<', limit);
    // All that a worker has is told to live at the same time, so that all of it is found together.
    const requests = await lockable(transaction)
      .where('worker', 'in', silent)
      .where('heartbeat_at', 'is not', null)
      .forNoKeyUpdate()
      .skipLocked()
      .execute();
    await interrupted(context, transaction, requests);
    return requests.length;
  });
}

/**
 * Cleans up after the previous process on an embedded database: nobody else can be alive, so no worker has the
 * running requests, and nobody waits for the direct ones.
 */
export async function recoverAll(context: JobsContext): Promise<number> {
  const runs = await inBatches(context, async (transaction) => {
    const requests = await lockable(transaction)
      .where('state', 'in', ['IN_QUEUE', 'IN_PROGRESS'])
      .where('surface', '=', 'run')
      .limit(maxBatch)
      .forNoKeyUpdate()
      .execute();
    for (const request of requests) await completeRequest(context, transaction, request, abandonedOutcome());
    return requests.length;
  });
  const taken = await context.database.kysely.transaction().execute(async (transaction) => {
    const requests = await lockable(transaction).where('heartbeat_at', 'is not', null).forNoKeyUpdate().execute();
    await interrupted(context, transaction, requests);
    return requests.length;
  });
  return runs + taken;
}

/** Completes the requests that were not started in time. Returns how many. */
export function expireOverdue(context: JobsContext): Promise<number> {
  return inBatches(context, async (transaction) => {
    const requests = await lockable(transaction)
      .where('state', '=', 'IN_QUEUE')
      .where('start_deadline', '<=', sql<Date>`clock_timestamp()`)
      .limit(maxBatch)
      .forNoKeyUpdate()
      .skipLocked()
      .execute();
    for (const request of requests) await completeRequest(context, transaction, request, timeoutOutcome());
    return requests.length;
  });
}

/**
 * Takes requests from workers that died. The death counts against what a worker got the model for last, and where that
 * was nothing, against all that it was fetching inputs for; the others only happened to be there, and keep their places.
 */
async function interrupted(
  context: JobsContext,
  transaction: Transaction<Tables>,
  requests: readonly LockedRequest[],
): Promise<void> {
  const started = requests.flatMap(({ id, worker, runningSeconds }) =>
    runningSeconds === null ? [] : [{ id, worker, runningSeconds }],
  );
  // The one that has run for the shortest time is the last, and the only one in this map.
  started.sort((one, other) => other.runningSeconds - one.runningSeconds);
  const lastOf = new Map(started.map(({ worker, id }) => [worker, id]));
  for (const request of requests) {
    const last = lastOf.get(request.worker) ?? request.id;
    if (request.id === last) await blamed(context, transaction, request);
    else await requeue(context, transaction, request);
  }
}

async function blamed(context: JobsContext, transaction: Transaction<Tables>, request: LockedRequest): Promise<void> {
  const interruptions = request.interruptions + 1;
  const outcome = interruptionOutcome(request, interruptions);
  const message = outcome === undefined ? 'the worker stopped; the request is back in the queue' : 'the worker stopped';
  await transaction
    .insertInto('request_logs')
    .values({ request_id: request.id, at: new Date(), level: 'WARN', message })
    .execute();
  await transaction.updateTable('requests').set({ interruptions }).where('id', '=', request.id).execute();
  if (outcome === undefined) await requeueLast(context, transaction, request);
  else await completeRequest(context, transaction, request, outcome);
}

function interruptionOutcome(request: LockedRequest, interruptions: number): Outcome | undefined {
  if (interruptions <= retriesOf(request).interruptions) return undefined;
  // Twice is not by chance.
  return interruptions > maxRetries.interruptions ? unstableOutcome() : interruptedOutcome();
}

/** Repeats `work`, each time in a transaction of its own, until it found less than a full batch. */
async function inBatches(
  { database }: JobsContext,
  work: (transaction: Transaction<Tables>) => Promise<number>,
): Promise<number> {
  let total = 0;
  for (;;) {
    const found = await database.kysely.transaction().execute(work);
    total += found;
    if (found < maxBatch) return total;
  }
}
