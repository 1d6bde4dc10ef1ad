import { sql, type Transaction } from 'kysely';
import { fromKysely } from 'pg-boss';
import type { AnyEndpoint, Endpoints } from '../../contract/endpoint.ts';
import type { Tables } from '../../database/tables.ts';
import { completeRequest, type JobsContext } from '../request/complete-request.ts';
import { readFilmStage } from '../request/film-rows.ts';
import { timeoutOutcome, unservedOutcome } from '../request/outcome.ts';
import { channels, clipsQueue } from '../request/queues.ts';
import { type LockedRequest, lockable } from '../request/request-row.ts';
import { Attempt } from './attempt.ts';

/** Something else holds the request at the top of the queue for a moment. */
class Busy extends Error {}

/** The request at the top of the queue is one that the worker still works on. */
class StillHere extends Error {}

export interface Claim {
  /** Id of the worker. */
  readonly worker: string;
  /** What it makes clips for. */
  readonly endpoints: Endpoints;
  /** Whether the worker is busy with another one: then the request counts as waiting until its making begins. */
  readonly ahead: boolean;
  /** Whether work on an earlier attempt is still to be ended here, as after a pause: somebody else is to take it, or later. */
  has(id: string): boolean;
}

/** Whether a request waits that goes before those of this priority. */
export async function isOvertaken({ database }: JobsContext, priority: number): Promise<boolean> {
  const first = await database.kysely
    .selectFrom('requests')
    .select('id')
    .where('state', '=', 'IN_QUEUE')
    .where('worker', 'is', null)
    .where('priority', '>', priority)
    .limit(1)
    .executeTakeFirst();
  return first !== undefined;
}

/** Takes the request whose turn it is, if any is waiting. */
export async function claimRequest(context: JobsContext, claim: Claim): Promise<Attempt | undefined> {
  for (;;) {
    const { kysely } = context.database;
    try {
      const claimed = await kysely.transaction().execute((transaction) => claimIn(transaction, context, claim));
      if (claimed !== 'none of these') return claimed;
    } catch (error) {
      if (error instanceof StillHere) return undefined;
      if (!(error instanceof Busy)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

async function claimIn(
  transaction: Transaction<Tables>,
  context: JobsContext,
  claim: Claim,
): Promise<Attempt | 'none of these' | undefined> {
  const db = fromKysely(transaction);
  const [job] = await context.database.boss.fetch(clipsQueue, { db });
  if (job === undefined) return undefined;
  if (claim.has(job.id)) throw new StillHere();
  // Everybody else locks the request first and its job second: waiting for it here could be a deadlock.
  const request = await lockable(transaction).where('id', '=', job.id).forNoKeyUpdate().skipLocked().executeTakeFirst();
  if (request === undefined) {
    if (await exists(transaction, job.id)) throw new Busy();
    await context.database.boss.deleteJob(clipsQueue, job.id, { db });
    return 'none of these';
  }
  if (request.state === 'COMPLETED') {
    await context.database.boss.deleteJob(clipsQueue, job.id, { db });
    return 'none of these';
  }
  if (request.overdue) {
    await completeRequest(context, transaction, request, timeoutOutcome());
    return 'none of these';
  }
  const endpoint = claim.endpoints.get(request.endpoint);
  if (endpoint === undefined) {
    await completeRequest(context, transaction, request, unservedOutcome(request.endpoint));
    return 'none of these';
  }
  return await begin(transaction, context, { request, endpoint }, claim);
}

async function begin(
  transaction: Transaction<Tables>,
  context: JobsContext,
  { request, endpoint }: { readonly request: LockedRequest; readonly endpoint: AnyEndpoint },
  { worker, ahead }: Claim,
): Promise<Attempt> {
  const { id, owner, caller } = request;
  const { input, attempt, drawn_seed, priority } = await transaction
    .updateTable('requests')
    .set({
      ...(!ahead && { state: 'IN_PROGRESS' }),
      attempt: request.attempt + 1,
      worker,
      started_at: null,
      heartbeat_at: sql<Date>`clock_timestamp()`,
    })
    .where('id', '=', id)
    .returning(['input', 'attempt', 'drawn_seed', 'priority'])
    .executeTakeFirstOrThrow();
  await context.database.notifications.notify(channels.requests, id, transaction);
  const stage = endpoint.makes === 'films' ? await readFilmStage(transaction, { ...request, input }) : undefined;
  const fields = {
    id,
    owner,
    stage,
    endpoint,
    input,
    drawnSeed: drawn_seed,
    caller,
    priority,
    number: attempt,
    worker,
  };
  return new Attempt(context, fields);
}

async function exists(transaction: Transaction<Tables>, id: string): Promise<boolean> {
  const found = await transaction.selectFrom('requests').select('id').where('id', '=', id).executeTakeFirst();
  return found !== undefined;
}
