import { type NotNull, sql } from 'kysely';
import { validate as isUuid, v7 as uuidv7 } from 'uuid';
import type { Database } from '../database/open-database.ts';
import type { RequestState } from '../database/tables.ts';
import type { FileStore } from '../files/file-store.ts';
import { cachedCheck } from '../shared/cached-check.ts';
import { requireFreeSpace } from '../shared/folders/folder-probe.ts';
import type { Logger } from '../shared/logger.ts';
import { malformedAttachment, storeInputFiles, withoutAttachments } from './accept/input-files.ts';
import { type AcceptedRequest, type Entry, Intake } from './accept/intake.ts';
import { completeRequest, type JobsContext } from './request/complete-request.ts';
import { cancelledOutcome, failureOutcome, goneReply, invalidOutcome, type Outcome } from './request/outcome.ts';
import { createQueues } from './request/queues.ts';
import { type RequestProgress, readProgress } from './request/request-progress.ts';
import { lockRequest } from './request/request-row.ts';
import type { RequestStatus } from './request/request-status.ts';
import { isStoredOutput, presentOutput } from './request/stored-output.ts';
import type { Submission } from './request/submission.ts';
import { DeadlineTimers } from './upkeep/deadline-timers.ts';
import { erasePayloads } from './upkeep/retention.ts';
import {
  type HistoryPage,
  type HistoryQuery,
  readHistory,
  readUsage,
  type UsageBucket,
  type UsageQuery,
} from './watch/history.ts';
import { RequestFeed } from './watch/request-feed.ts';
import { StatusReader } from './watch/status-reader.ts';
import type { LogEntry } from './work/attempt.ts';

export interface RequestsOptions {
  readonly database: Database;
  readonly files: FileStore;
  readonly dataFolder: string;
  /** Bytes that have to be free on the disk of the data folder for requests to be accepted, where that has the database. */
  readonly minFree: number;
  /** Seconds for which payloads of finished requests are kept. */
  readonly payloadRetention: number;
  readonly logger: Logger;
}

/** How a request ended, as its caller gets it. */
export interface RequestOutcome {
  readonly statusCode: number;
  /** An `InlineOutput`, or the body itself. */
  readonly body: unknown;
  /** Megapixels billed. */
  readonly units: number;
  readonly error: string | undefined;
  readonly errorType: string | undefined;
}

export interface NumberedLogEntry extends LogEntry {
  /** Grows from entry to entry, with gaps. */
  readonly sequence: number;
}

/** What is known of a request besides its status. */
export interface RequestRecord {
  readonly id: string;
  readonly endpoint: string;
  readonly owner: string;
  readonly surface: 'run' | 'queue';
}

/** In one answer. */
const maxLogEntries = 1000;
/** Milliseconds for which free space that was seen counts as there. */
const spaceFreshness = 250;

export type CancelReason = 'client_cancelled' | 'client_disconnected';

interface RequestsDependencies {
  readonly reader: StatusReader;
  readonly feed: RequestFeed;
  readonly deadlines: DeadlineTimers;
  /** @throws SoundstageError `device` while no requests can be accepted */
  readonly requireSpace: () => Promise<void>;
}

/**
 * The requests of this server, as its HTTP surface sees them. Dispose to end the watches; requests go on without it.
 *
 * Ids may be any text; one that is no request's is unknown. Whether a caller may see a request is for the caller of
 * these methods to decide, by `owner`.
 */
export class Requests implements AsyncDisposable {
  readonly #context: JobsContext;
  readonly #files: FileStore;
  readonly #intake: Intake;
  readonly #reader: StatusReader;
  readonly #feed: RequestFeed;
  readonly #deadlines: DeadlineTimers;
  readonly #requireSpace: () => Promise<void>;

  private constructor(context: JobsContext, files: FileStore, dependencies: RequestsDependencies) {
    this.#context = context;
    this.#files = files;
    this.#intake = new Intake(context);
    this.#reader = dependencies.reader;
    this.#feed = dependencies.feed;
    this.#deadlines = dependencies.deadlines;
    this.#requireSpace = dependencies.requireSpace;
  }

  static async open({
    database,
    files,
    dataFolder,
    minFree,
    payloadRetention,
    logger,
  }: RequestsOptions): Promise<Requests> {
    const context = { database, payloadRetention };
    await createQueues(database);
    const reader = new StatusReader(database.kysely);
    const feed = await RequestFeed.open(database, reader, (error) => {
      logger.warn('watched requests could not be read and are read again', { error });
    });
    // A server has a disk of its own, and says so when that is full.
    const requireSpace = cachedCheck(spaceFreshness, async () => {
      if (database.kind === 'embedded') await requireFreeSpace(dataFolder, minFree);
    });
    return new Requests(context, files, { reader, feed, deadlines: new DeadlineTimers(context, logger), requireSpace });
  }

  /**
   * Accepts a request: it waits for a worker, or is over at once where its input is invalid.
   *
   * @throws QueueFullError; SoundstageError `device` while the disk is full
   */
  async submit(submission: Submission): Promise<AcceptedRequest> {
    await this.#requireSpace();
    const validated = submission.endpoint.validate(submission.input);
    const sync = asksForSync(validated.ok ? validated.input : submission.input);
    const entry = { id: uuidv7(), submission, listed: submission.storePayloads && !sync };
    if (!validated.ok) return await this.#refuse(entry, invalidOutcome(validated.problems));
    const malformed = malformedAttachment(submission);
    if (malformed !== undefined) return await this.#refuse(entry, failureOutcome(malformed, submission));
    const { input, commit, discard } = await storeInputFiles(submission, entry.id, this.#files);
    try {
      const accepted = await this.#intake.accept({ ...entry, input, commit });
      if (submission.startTimeout !== undefined) this.#deadlines.add(submission.startTimeout);
      return accepted;
    } catch (error) {
      await discard();
      throw error;
    }
  }

  async find(id: string): Promise<RequestRecord | undefined> {
    if (!isUuid(id)) return undefined;
    return await this.#context.database.kysely
      .selectFrom('requests')
      .select(['id', 'endpoint', 'owner', 'surface'])
      .where('id', '=', id)
      .executeTakeFirst();
  }

  async status(id: string): Promise<RequestStatus | undefined> {
    return isUuid(id) ? await this.#reader.read(id) : undefined;
  }

  /** The request's log in order, from the entry after `after` on; of very many, the newest. */
  async logs(id: string, after = 0): Promise<readonly NumberedLogEntry[]> {
    if (!isUuid(id)) return [];
    const rows = await this.#context.database.kysely
      .selectFrom('request_logs')
      .select(['sequence', 'at', 'level', 'message'])
      .where('request_id', '=', id)
      .where('sequence', '>', String(after))
      .orderBy('sequence', 'desc')
      .limit(maxLogEntries)
      .execute();
    return rows.reverse().map((row) => ({ ...row, sequence: Number(row.sequence) }));
  }

  /** How far a running request is; undefined where that is not known. */
  async progress(id: string): Promise<RequestProgress | undefined> {
    return isUuid(id) ? await readProgress(this.#context.database.kysely, id) : undefined;
  }

  /**
   * How a completed request ended; undefined while it is on its way, and for an unknown one.
   *
   * @param fileBase address of the file server as this caller reaches it, e.g. `https://host/cdn`
   */
  async outcome(id: string, fileBase: string): Promise<RequestOutcome | undefined> {
    if (!isUuid(id)) return undefined;
    const row = await this.#context.database.kysely
      .selectFrom('requests')
      .select(['status_code', 'output', 'units', 'error', 'error_type'])
      .where('id', '=', id)
      .where('state', '=', 'COMPLETED')
      .$narrowType<{ status_code: NotNull; units: NotNull }>()
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const { units } = row;
    if (row.output === null) return { ...goneReply(), units, error: undefined, errorType: undefined };
    const body = isStoredOutput(row.output) ? await presentOutput(row.output, this.#files, fileBase) : row.output;
    if (body === undefined) return { ...goneReply(), units, error: undefined, errorType: undefined };
    const { status_code: statusCode, error, error_type: errorType } = row;
    return { statusCode, body, units, error: error ?? undefined, errorType: errorType ?? undefined };
  }

  /** Ends a request wherever it is: once this says `requested`, it never succeeds. */
  async cancel(id: string, reason: CancelReason): Promise<'requested' | 'already_completed' | 'not_found'> {
    if (!isUuid(id)) return 'not_found';
    return await this.#context.database.kysely.transaction().execute(async (transaction) => {
      const request = await lockRequest(transaction, id);
      if (request === undefined) return 'not_found';
      if (request.state === 'COMPLETED') return 'already_completed';
      // Its worker, if it has one, learns that the request is not its own any more.
      await completeRequest(this.#context, transaction, request, cancelledOutcome(reason));
      return 'requested';
    });
  }

  /** See `RequestFeed.watch`. */
  async *watch(id: string, signal?: AbortSignal): AsyncGenerator<RequestStatus, void, undefined> {
    if (isUuid(id)) yield* this.#feed.watch(id, signal);
  }

  /** Call once the reply to a direct run is made: payloads that are not to be kept are erased. */
  async replied(id: string): Promise<void> {
    const { kysely } = this.#context.database;
    const row = await kysely
      .selectFrom('requests')
      .select(['listed', 'webhook'])
      .where('id', '=', id)
      .where('state', '=', 'COMPLETED')
      .executeTakeFirst();
    if (row?.listed === false && row.webhook === null)
      await erasePayloads(this.#context.database, this.#files, id, 'inline');
  }

  /** Erases input, output and log of a completed request, and the file it made; false: there is no such request. */
  async erasePayloads(id: string): Promise<boolean> {
    return isUuid(id) && (await erasePayloads(this.#context.database, this.#files, id, 'file'));
  }

  list(query: HistoryQuery): Promise<HistoryPage> {
    const unknown = query.requestId !== undefined && !isUuid(query.requestId);
    return unknown
      ? Promise.resolve({ items: [], nextCursor: undefined })
      : readHistory(this.#context.database.kysely, query);
  }

  usage(query: UsageQuery): Promise<readonly UsageBucket[]> {
    return readUsage(this.#context.database.kysely, query);
  }

  /** How many requests wait and how many run, on all workers. */
  async counts(): Promise<{ readonly waiting: number; readonly running: number }> {
    const rows = await this.#context.database.kysely
      .selectFrom('requests')
      .select(['state', sql<number>`count(*)::integer`.as('count')])
      .where('state', 'in', ['IN_QUEUE', 'IN_PROGRESS'])
      .groupBy('state')
      .execute();
    const count = (state: RequestState): number => rows.find((row) => row.state === state)?.count ?? 0;
    return { waiting: count('IN_QUEUE'), running: count('IN_PROGRESS') };
  }

  /** Accepts a request that is over: what it brought is not kept. */
  #refuse(entry: Pick<Entry, 'id' | 'submission' | 'listed'>, outcome: Outcome): Promise<AcceptedRequest> {
    return this.#intake.accept({ ...entry, input: withoutAttachments(entry.submission), outcome });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#deadlines[Symbol.dispose]();
    await this.#feed[Symbol.asyncDispose]();
  }
}

/** Of an input that is invalid; rather too often than not. */
function asksForSync(input: unknown): boolean {
  return typeof input === 'object' && input !== null && 'sync_mode' in input && Boolean(input.sync_mode);
}
