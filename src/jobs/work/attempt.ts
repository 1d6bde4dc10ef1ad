import { sql, type Transaction } from 'kysely';
import type { AnyEndpoint, Endpoint } from '../../contract/endpoint.ts';
import type { CallerOptions } from '../../database/json-columns.ts';
import type { Tables } from '../../database/tables.ts';
import type { LogLevel } from '../clip-maker.ts';
import { completeRequest, type JobsContext, requeue, requeueLast } from '../request/complete-request.ts';
import { beginParts, type FilmStage, type KnownFilm, reportFilm } from '../request/film-rows.ts';
import { type Charge, type Outcome, timeoutOutcome } from '../request/outcome.ts';
import { channels } from '../request/queues.ts';
import { type ProgressChanges, removeProgress, upsertProgress } from '../request/request-progress.ts';
import { type LockedRequest, lockRequest, retriesOf } from '../request/request-row.ts';
import { storedJson, storedText } from '../request/stored-text.ts';

/** So often a request may be too much for this machine. */
const maxExhaustions = 2;

export interface LogEntry {
  readonly at: Date;
  readonly level: LogLevel;
  readonly message: string;
}

export interface AttemptFields {
  readonly id: string;
  readonly owner: string;
  readonly endpoint: AnyEndpoint;
  /** Of an endpoint that makes films. */
  readonly stage: FilmStage | undefined;
  /** As received. */
  readonly input: unknown;
  /** For a clip whose input names no seed. */
  readonly drawnSeed: number;
  readonly caller: CallerOptions;
  /** The higher, the sooner. */
  readonly priority: number;
  /** Counts up each time the request is taken. */
  readonly number: number;
  /** Id of the worker that has it. */
  readonly worker: string;
}

/**
 * One try at a request by one worker. It may write only while it is the current one: a request that was cancelled, or
 * given to somebody else because this worker seemed dead, is out of its hands, and every method says so.
 */
export class Attempt {
  readonly request: AttemptFields;
  readonly #context: JobsContext;
  /** When it got the model, by the clock that nobody sets: the one of the day may jump while a clip is made. */
  #startedAt: number | undefined;

  constructor(context: JobsContext, request: AttemptFields) {
    this.#context = context;
    this.request = request;
  }

  /** Whether this is still the current attempt. */
  async isCurrent(): Promise<boolean> {
    const { id, number, worker } = this.request;
    const found = await this.#context.database.kysely
      .selectFrom('requests')
      .select('id')
      .where('id', '=', id)
      .where('attempt', '=', number)
      .where('worker', '=', worker)
      .where('state', '<>', 'COMPLETED')
      .executeTakeFirst();
    return found !== undefined;
  }

  /** The model is there for it: from now on the request is in progress. False: no longer ours. */
  async start(): Promise<boolean> {
    let isStarted = false;
    await this.#ifOurs(async (transaction, request) => {
      if (request.state === 'IN_QUEUE' && request.overdue) {
        await completeRequest(this.#context, transaction, request, timeoutOutcome());
        return;
      }
      await transaction
        .updateTable('requests')
        .set({ state: 'IN_PROGRESS', started_at: sql<Date>`clock_timestamp()` })
        .where('id', '=', this.request.id)
        .execute();
      await this.#context.database.notifications.notify(channels.requests, this.request.id, transaction);
      isStarted = true;
      this.#startedAt = performance.now();
    });
    return isStarted;
  }

  /** Appends to the request's log; false: no longer ours. */
  writeLogs(entries: readonly LogEntry[]): Promise<boolean> {
    return this.#ifOurs(async (transaction) => {
      await insertLogs(transaction, this.request.id, entries);
      await this.#context.database.notifications.notify(channels.requests, this.request.id, transaction);
    });
  }

  /** Writes how far the request is, and what it looks like where that is new; false: no longer ours. */
  writeProgress(changes: ProgressChanges): Promise<boolean> {
    return this.#ifOurs(async (transaction, request) => {
      await upsertProgress(transaction, this.request.id, changes);
      await this.#context.database.notifications.notify(channels.requests, this.request.id, transaction);
      if (request.film !== null) await reportFilm(this.#context, transaction, request.film, changes.preview);
    });
  }

  /**
   * Completes the request with what there is still to log; `together` runs in the same transaction.
   *
   * @returns false: no longer ours, and nothing was written
   */
  complete(
    outcome: Outcome,
    logs: readonly LogEntry[] = [],
    together: (transaction: Transaction<Tables>) => Promise<void> = async () => {},
  ): Promise<boolean> {
    return this.#ifOurs(async (transaction, request) => {
      await insertLogs(transaction, this.request.id, logs);
      await together(transaction);
      if (outcome.charge !== undefined) await billUsage(transaction, this.request, outcome.charge);
      await completeRequest(this.#context, transaction, this.#timed(request), outcome);
    });
  }

  /** Gives a film its parts, which are made before anybody takes it again; `together` runs in the same transaction. */
  planned(
    film: KnownFilm,
    logs: readonly LogEntry[],
    together: (transaction: Transaction<Tables>) => Promise<void>,
  ): Promise<boolean> {
    return this.#ifOurs(async (transaction, request) => {
      await insertLogs(transaction, this.request.id, logs);
      await together(transaction);
      await beginParts(this.#context, transaction, request, film);
    });
  }

  /** Gives the request back to whoever takes it next; it keeps its place and nothing is counted. */
  release(logs: readonly LogEntry[]): Promise<boolean> {
    return this.#ifOurs(async (transaction, request) => {
      await insertLogs(transaction, this.request.id, logs);
      await requeue(this.#context, transaction, request);
    });
  }

  /**
   * Counts a crash of the engine. The request stays in this worker's hands.
   *
   * @returns whether it is to be started once more
   */
  async crashed(): Promise<boolean> {
    let again = false;
    await this.#ifOurs(async (transaction, request) => {
      const crashes = request.crashes + 1;
      again = crashes <= retriesOf(request).crashes;
      await transaction
        .updateTable('requests')
        .set({ crashes, ...(again && { state: 'IN_QUEUE', started_at: null }) })
        .where('id', '=', this.request.id)
        .execute();
      if (!again) return;
      this.#startedAt = undefined;
      await removeProgress(transaction, this.request.id);
      await this.#context.database.notifications.notify(channels.requests, this.request.id, transaction);
    });
    return again;
  }

  /**
   * Lets a request try once more, after all that wait now, for which disk or device did not suffice although they are
   * fine without it. The second time it is completed with `outcome`.
   */
  exhausted(outcome: Outcome, logs: readonly LogEntry[]): Promise<boolean> {
    return this.#ifOurs(async (transaction, request) => {
      await insertLogs(transaction, this.request.id, logs);
      const exhaustions = request.exhaustions + 1;
      await transaction.updateTable('requests').set({ exhaustions }).where('id', '=', this.request.id).execute();
      if (exhaustions < maxExhaustions) await requeueLast(this.#context, transaction, request);
      else await completeRequest(this.#context, transaction, this.#timed(request), outcome);
    });
  }

  #timed(request: LockedRequest): LockedRequest {
    if (this.#startedAt === undefined) return request;
    return { ...request, runningSeconds: (performance.now() - this.#startedAt) / 1000 };
  }

  /** Does the work in a transaction that holds the request, if it is still ours. */
  #ifOurs(work: (transaction: Transaction<Tables>, request: LockedRequest) => Promise<void>): Promise<boolean> {
    return this.#context.database.kysely.transaction().execute(async (transaction) => {
      const request = await lockRequest(transaction, this.request.id);
      const { number, worker } = this.request;
      if (request?.attempt !== number || request.worker !== worker || request.state === 'COMPLETED') return false;
      await work(transaction, request);
      return true;
    });
  }
}

/**
 * Tells the others that the worker of these attempts is alive.
 *
 * @returns those that are still current
 */
export async function keepAlive(
  { database }: JobsContext,
  attempts: readonly Attempt[],
): Promise<ReadonlySet<Attempt>> {
  const keys = attempts.map(({ request: { id, number, worker } }) => sql`(${id}::uuid, ${number}::integer, ${worker})`);
  const { rows } = await sql<{ readonly id: string }>`
    update requests set heartbeat_at = clock_timestamp()
    where heartbeat_at is not null and (id, attempt, worker) in (${sql.join(keys)})
    returning id`.execute(database.kysely);
  const alive = new Set(rows.map(({ id }) => id));
  return new Set(attempts.filter(({ request }) => alive.has(request.id)));
}

async function insertLogs(
  transaction: Transaction<Tables>,
  request: string,
  entries: readonly LogEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  const rows = entries.map(({ at, level, message }) => ({
    request_id: request,
    at,
    level,
    message: storedText(message),
  }));
  await transaction.insertInto('request_logs').values(rows).execute();
}

interface BilledRequest {
  readonly id: string;
  readonly owner: string;
  readonly endpoint: Endpoint;
  readonly caller: CallerOptions;
}

/** Records what a clip costs, in the transaction that completes its request. */
async function billUsage(
  transaction: Transaction<Tables>,
  { id, owner, endpoint, caller }: BilledRequest,
  { units, cost }: Charge,
): Promise<void> {
  const tags = storedJson(caller.tags);
  await transaction
    .insertInto('usage')
    .values({ request_id: id, owner, endpoint: endpoint.id, units, cost, tags })
    .execute();
}
