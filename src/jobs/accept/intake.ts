import { setImmediate } from 'node:timers/promises';
import { type InsertObject, type RawBuilder, sql, type Transaction } from 'kysely';
import { fromKysely } from 'pg-boss';
import { drawSeed } from '../../contract/input/clip-settings.ts';
import type { Tables } from '../../database/tables.ts';
import { completeRequest, type JobsContext } from '../request/complete-request.ts';
import type { Outcome } from '../request/outcome.ts';
import { channels, clipsQueue } from '../request/queues.ts';
import { lockRequest } from '../request/request-row.ts';
import { storedJson, storedText } from '../request/stored-text.ts';
import { priorities, type Submission } from '../request/submission.ts';

/** More requests are waiting than the submitter accepts. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError';
  readonly limit: number;

  constructor(limit: number) {
    super(`more than ${limit} requests are waiting; try again later, or allow a longer queue`);
    this.limit = limit;
  }
}

/** A request as its submitter learns of it. */
export interface AcceptedRequest {
  readonly id: string;
  /** Requests ahead of it when it was accepted. */
  readonly queuePosition: number;
}

export interface Entry {
  readonly id: string;
  readonly submission: Submission;
  /** The submission's, as it is kept. */
  readonly input: unknown;
  /** Whether its payloads appear in the history. */
  readonly listed: boolean;
  /** Of a request that is over before it began. */
  readonly outcome?: Outcome | undefined;
  /** Called in the transaction that makes the request. */
  readonly commit?: ((transaction: Transaction<Tables>) => Promise<void>) | undefined;
}

const maxBatch = 200;
const maxBatchCharacters = 2 ** 20;

interface WaitingEntry extends Omit<Entry, 'input'> {
  /** JSON. */
  readonly input: string;
  resolve(accepted: AcceptedRequest): void;
  reject(error: unknown): void;
}

/**
 * Accepts requests. Those that arrive while others are being written go into the next transaction together, so that
 * a burst costs few transactions; a request is answered only once its transaction is through.
 */
export class Intake {
  readonly #context: JobsContext;
  #waiting: WaitingEntry[] = [];
  #writing = false;

  constructor(context: JobsContext) {
    this.#context = context;
  }

  /** @throws QueueFullError */
  accept(entry: Entry): Promise<AcceptedRequest> {
    const input = storedJson(entry.input);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...entry, input, resolve, reject });
      if (!this.#writing) void this.#write();
    });
  }

  async #write(): Promise<void> {
    this.#writing = true;
    while (this.#waiting.length > 0) {
      // The embedded database does its work without letting others have a turn: first whoever has arrived comes in.
      await setImmediate();
      const batch = this.#nextBatch();
      try {
        await this.#writeTogether(batch);
      } catch (error) {
        // One of them may be to blame: then only that one fails.
        if (batch.length === 1) batch[0]?.reject(error);
        else for (const entry of batch) await this.#writeTogether([entry]).catch(entry.reject);
      }
    }
    // At once, or a submission that comes between the last look and this would wait for the next one.
    this.#writing = false;
  }

  #nextBatch(): readonly WaitingEntry[] {
    let characters = 0;
    const excess = this.#waiting.findIndex(({ input }, index) => {
      characters += input.length;
      return index > 0 && (index === maxBatch || characters > maxBatchCharacters);
    });
    return this.#waiting.splice(0, excess < 0 ? this.#waiting.length : excess);
  }

  async #writeTogether(batch: readonly WaitingEntry[]): Promise<void> {
    const { kysely } = this.#context.database;
    const answers = await kysely.transaction().execute((transaction) => this.#insert(transaction, batch));
    for (const answer of answers) answer();
  }

  /** Writes a batch; returns what is to be answered once the transaction is through. */
  async #insert(transaction: Transaction<Tables>, batch: readonly WaitingEntry[]): Promise<(() => void)[]> {
    const { database } = this.#context;
    const queue = await QueueLengths.read(transaction);
    const answers: (() => void)[] = [];
    const accepted: WaitingEntry[] = [];
    for (const entry of batch) {
      const { submission, outcome, id } = entry;
      const { maxQueueLength } = submission;
      if (maxQueueLength !== undefined && queue.total > maxQueueLength) {
        answers.push(() => entry.reject(new QueueFullError(maxQueueLength)));
        continue;
      }
      const queuePosition = outcome === undefined ? queue.add(priorities[submission.priority]) : 0;
      accepted.push(entry);
      answers.push(() => entry.resolve({ id, queuePosition }));
    }
    if (accepted.length === 0) return answers;
    await transaction.insertInto('requests').values(accepted.map(row)).execute();
    for (const { commit } of accepted) await commit?.(transaction);
    const waiting = accepted.filter(({ outcome }) => outcome === undefined);
    if (waiting.length > 0) {
      const jobs = waiting.map(({ id, submission }) => ({ id, priority: priorities[submission.priority] }));
      await database.boss.insert(clipsQueue, jobs, { db: fromKysely(transaction) });
      await database.notifications.notify(channels.clips, '', transaction);
    }
    for (const { id, outcome } of accepted) {
      if (outcome === undefined) continue;
      const request = await lockRequest(transaction, id);
      if (request !== undefined) await completeRequest(this.#context, transaction, request, outcome);
    }
    return answers;
  }
}

/** How many requests wait, by priority. */
class QueueLengths {
  readonly #byPriority: Map<number, number>;

  private constructor(byPriority: Map<number, number>) {
    this.#byPriority = byPriority;
  }

  static async read(transaction: Transaction<Tables>): Promise<QueueLengths> {
    const rows = await transaction
      .selectFrom('requests')
      .select(['priority', sql<number>`count(*)::integer`.as('waiting')])
      .where('state', '=', 'IN_QUEUE')
      .groupBy('priority')
      .execute();
    return new QueueLengths(new Map(rows.map(({ priority, waiting }) => [priority, waiting])));
  }

  get total(): number {
    return [...this.#byPriority.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Adds a request; returns how many are ahead of it. */
  add(priority: number): number {
    const ahead = [...this.#byPriority].reduce((sum, [other, count]) => (other >= priority ? sum + count : sum), 0);
    this.#byPriority.set(priority, (this.#byPriority.get(priority) ?? 0) + 1);
    return ahead;
  }
}

function row({ id, input, submission, listed }: WaitingEntry): InsertObject<Tables, 'requests'> {
  const { endpoint, owner, surface, priority, webhook, caller, startTimeout } = submission;
  return {
    id,
    endpoint: endpoint.id,
    owner,
    surface,
    state: 'IN_QUEUE',
    priority: priorities[priority],
    input,
    caller: storedJson(caller),
    webhook: webhook === undefined ? null : storedText(webhook),
    drawn_seed: drawSeed(),
    listed,
    start_deadline: startTimeout === undefined ? null : secondsFromNow(startTimeout),
  };
}

function secondsFromNow(seconds: number): RawBuilder<Date> {
  return sql<Date>`clock_timestamp() + make_interval(secs => ${seconds})`;
}
