import { sql, type Transaction } from 'kysely';
import type { Tables } from '../database/tables.ts';
import { billUsage } from './billing.ts';
import type { LogLevel } from './clip-maker.ts';
import { crashOutcome, type Outcome } from './outcome.ts';
import { channels } from './queues.ts';
import { type ProgressChanges, upsertProgress } from './request-progress.ts';
import { type LockedRequest, lockRequest, retriesOf } from './request-row.ts';
import { type JobsContext, requeue, settle } from './settle.ts';
import { storedText } from './stored-text.ts';
import type { CallerOptions } from './submission.ts';

export interface LogEntry {
  readonly at: Date;
  readonly level: LogLevel;
  readonly message: string;
}

export interface AttemptFields {
  readonly id: string;
  readonly owner: string;
  readonly endpoint: string;
  /** As received. */
  readonly input: unknown;
  /** For a clip whose input names no seed. */
  readonly drawnSeed: number;
  readonly caller: CallerOptions;
  /** Counts up with every start of the request. */
  readonly number: number;
}

/**
 * One try at a request by one worker. It may write only while it is the current one: a request that was cancelled, or
 * given to somebody else because this worker seemed dead, is out of its hands, and every method says so.
 */
export class Attempt {
  readonly request: AttemptFields;
  readonly #context: JobsContext;

  constructor(context: JobsContext, request: AttemptFields) {
    this.#context = context;
    this.request = request;
  }

  /** Tells the others that the worker is alive; false: no longer ours. */
  async heartbeat(): Promise<boolean> {
    const { kysely } = this.#context.database;
    const result = await kysely
      .updateTable('requests')
      .set({ heartbeat_at: sql`clock_timestamp()` })
      .where('id', '=', this.request.id)
      .where('attempt', '=', this.request.number)
      .where('state', '=', 'IN_PROGRESS')
      .executeTakeFirst();
    return result.numUpdatedRows > 0n;
  }

  /** Whether this is still the current attempt. */
  async isCurrent(): Promise<boolean> {
    const found = await this.#context.database.kysely
      .selectFrom('requests')
      .select('id')
      .where('id', '=', this.request.id)
      .where('attempt', '=', this.request.number)
      .where('state', '=', 'IN_PROGRESS')
      .executeTakeFirst();
    return found !== undefined;
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
    return this.#ifOurs(async (transaction) => {
      await upsertProgress(transaction, this.request.id, changes);
      await this.#context.database.notifications.notify(channels.requests, this.request.id, transaction);
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
      if (outcome.units > 0) await billUsage(transaction, this.request, outcome.units);
      await settle(this.#context, transaction, request, outcome);
    });
  }

  /** Gives the request back because this worker stops; it keeps its place and nothing is counted. */
  release(logs: readonly LogEntry[] = []): Promise<boolean> {
    return this.#ifOurs(async (transaction, request) => {
      await insertLogs(transaction, this.request.id, logs);
      await requeue(this.#context, transaction, request);
    });
  }

  /** Has the request tried again after a crash of the engine, or completes it where that is enough. */
  crashed(logs: readonly LogEntry[] = []): Promise<boolean> {
    return this.#ifOurs(async (transaction, request) => {
      await insertLogs(transaction, this.request.id, logs);
      const crashes = request.crashes + 1;
      if (crashes <= retriesOf(request).crashes) {
        await requeue(this.#context, transaction, request, { crashes });
      } else await settle(this.#context, transaction, request, crashOutcome());
    });
  }

  /** Does the work in a transaction that holds the request, if it is still ours. */
  #ifOurs(work: (transaction: Transaction<Tables>, request: LockedRequest) => Promise<void>): Promise<boolean> {
    return this.#context.database.kysely.transaction().execute(async (transaction) => {
      const request = await lockRequest(transaction, this.request.id);
      if (request?.state !== 'IN_PROGRESS' || request.attempt !== this.request.number) return false;
      await work(transaction, request);
      return true;
    });
  }
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
