import { type Kysely, sql } from 'kysely';
import type { Tables } from '../database/tables.ts';

export interface HistoryQuery {
  readonly endpoint: string;
  /** Absent: of all keys. */
  readonly owner?: string | undefined;
  readonly requestId?: string | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  readonly outcome?: 'success' | 'error' | 'user_error' | undefined;
  /** The `nextCursor` of the page before. */
  readonly cursor?: number | undefined;
  readonly limit: number;
}

/** A completed request, newest first. */
export interface HistoryItem {
  readonly id: string;
  readonly endpoint: string;
  readonly owner: string;
  readonly sentAt: Date;
  readonly startedAt: Date | undefined;
  readonly endedAt: Date;
  readonly statusCode: number;
  readonly inferenceSeconds: number | undefined;
  readonly units: number;
  /** Undefined where payloads are not listed or were erased. */
  readonly input: unknown;
  /** As stored; see `presentOutput`. */
  readonly output: unknown;
}

export interface HistoryPage {
  readonly items: readonly HistoryItem[];
  readonly nextCursor: number | undefined;
}

export interface UsageQuery {
  readonly owner?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly bucket: 'minute' | 'hour' | 'day' | 'week' | 'month';
}

/** What was used in one span of time by one key at one endpoint. */
export interface UsageBucket {
  readonly start: Date;
  readonly owner: string;
  readonly endpoint: string;
  readonly requests: number;
  /** Megapixels. */
  readonly units: number;
  /** US dollars. */
  readonly cost: number;
}

/** Completed requests, newest first. */
export async function readHistory(kysely: Kysely<Tables>, query: HistoryQuery): Promise<HistoryPage> {
  let select = kysely
    .selectFrom('requests')
    .selectAll()
    .where('state', '=', 'COMPLETED')
    .where('endpoint', '=', query.endpoint)
    .orderBy('sequence', 'desc')
    .limit(query.limit + 1);
  if (query.owner !== undefined) select = select.where('owner', '=', query.owner);
  if (query.requestId !== undefined) select = select.where('id', '=', query.requestId);
  if (query.from !== undefined) select = select.where('accepted_at', '>=', query.from);
  if (query.to !== undefined) select = select.where('accepted_at', '<', query.to);
  if (query.outcome !== undefined) select = select.where(statusCodes[query.outcome]);
  if (query.cursor !== undefined) select = select.where('sequence', '<', String(query.cursor));
  const rows = await select.execute();
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  return {
    items: page.map((row) => ({
      id: row.id,
      endpoint: row.endpoint,
      owner: row.owner,
      sentAt: row.accepted_at,
      startedAt: row.started_at ?? undefined,
      endedAt: row.ended_at ?? row.accepted_at,
      statusCode: row.status_code ?? 0,
      inferenceSeconds: row.inference_seconds ?? undefined,
      units: row.units ?? 0,
      input: row.listed ? (row.input ?? undefined) : undefined,
      output: row.listed ? (row.output ?? undefined) : undefined,
    })),
    nextCursor: rows.length > query.limit && last !== undefined ? Number(last.sequence) : undefined,
  };
}

const statusCodes = Object.freeze({
  success: sql<boolean>`status_code < 400`,
  user_error: sql<boolean>`status_code >= 400 and status_code < 500`,
  error: sql<boolean>`status_code >= 400`,
});

/** Usage by time span, key and endpoint, oldest first. */
export async function readUsage(kysely: Kysely<Tables>, query: UsageQuery): Promise<readonly UsageBucket[]> {
  const start = sql<Date>`date_trunc(${query.bucket}, at, 'UTC')`;
  let select = kysely
    .selectFrom('usage')
    .select([
      start.as('start'),
      'owner',
      'endpoint',
      sql<number>`count(*)::integer`.as('requests'),
      sql<number>`sum(units)::float8`.as('units'),
      sql<number>`sum(cost)::float8`.as('cost'),
    ])
    .groupBy([sql`1`, 'owner', 'endpoint'])
    .orderBy(sql`1`);
  if (query.owner !== undefined) select = select.where('owner', '=', query.owner);
  if (query.endpoint !== undefined) select = select.where('endpoint', '=', query.endpoint);
  if (query.from !== undefined) select = select.where('at', '>=', query.from);
  if (query.to !== undefined) select = select.where('at', '<', query.to);
  if (query.tags !== undefined) select = select.where(sql<boolean>`tags @> ${JSON.stringify(query.tags)}::jsonb`);
  return await select.execute();
}
