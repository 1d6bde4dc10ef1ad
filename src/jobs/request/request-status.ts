import { type Kysely, sql } from 'kysely';
import type { RequestState, Tables } from '../../database/tables.ts';

/** What is told about a request while it is on its way, and afterwards. */
export interface RequestStatus {
  readonly id: string;
  readonly endpoint: string;
  readonly owner: string;
  readonly state: RequestState;
  /** Requests ahead of it; only while it waits. */
  readonly queuePosition: number | undefined;
  readonly startedAt: Date | undefined;
  readonly endedAt: Date | undefined;
  /** From the start of the attempt that completed it to its end. */
  readonly inferenceSeconds: number | undefined;
  /** Once COMPLETED. */
  readonly statusCode: number | undefined;
  /** Set when it did not go well. */
  readonly error: string | undefined;
  readonly errorType: string | undefined;
  /** Sequence number of the newest log entry; 0 while there is none. */
  readonly lastLog: number;
  /** Counts up as the progress changes; 0 while there is none. */
  readonly progressRevision: number;
}

interface StatusRow {
  readonly id: string;
  readonly endpoint: string;
  readonly owner: string;
  readonly state: RequestState;
  readonly started_at: Date | null;
  readonly ended_at: Date | null;
  readonly inference_seconds: number | null;
  readonly status_code: number | null;
  readonly error: string | null;
  readonly error_type: string | null;
  readonly last_log: string | null;
  readonly progress_revision: number | null;
}

const columns = sql`
  request.id, request.endpoint, request.owner, request.state, request.started_at, request.ended_at,
  request.inference_seconds, request.status_code, request.error, request.error_type,
  (select max(log.sequence) from request_logs as log where log.request_id = request.id) as last_log,
  (select revision from request_progress where request_progress.request_id = request.id) as progress_revision`;

/** Status of requests, their places in the queue not included. */
export async function readStatuses(kysely: Kysely<Tables>, ids: readonly string[]): Promise<readonly RequestStatus[]> {
  const { rows } = await sql<StatusRow>`
    select ${columns} from requests as request where request.id in (${sql.join(ids)})`.execute(kysely);
  return rows.map(toStatus);
}

function toStatus(row: StatusRow): RequestStatus {
  return {
    id: row.id,
    endpoint: row.endpoint,
    owner: row.owner,
    state: row.state,
    queuePosition: undefined,
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    inferenceSeconds: row.inference_seconds ?? undefined,
    statusCode: row.status_code ?? undefined,
    error: row.error ?? undefined,
    errorType: row.error_type ?? undefined,
    lastLog: Number(row.last_log ?? 0),
    progressRevision: row.progress_revision ?? 0,
  };
}
