import { type Kysely, type NotNull, type RawBuilder, sql } from 'kysely';
import type { Tables } from '../../database/tables.ts';
import { SoundstageError } from '../../shared/errors.ts';
import type { RequestRow } from '../request/request-row.ts';

export interface HistoryQuery {
  readonly endpoints: readonly string[];
  /** Absent: of all keys. */
  readonly owner?: string | undefined;
  readonly requestId?: string | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  readonly outcome?: 'success' | 'error' | 'user_error' | undefined;
  /** In the input or the output, all of them, in any letter case. Default: no matter what is in there. */
  readonly words?: readonly string[] | undefined;
  /** The `nextCursor` of the page before. */
  readonly cursor?: number | undefined;
  readonly limit: number;
  /** Default: true. */
  readonly withPayloads?: boolean | undefined;
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
  /** Undefined where payloads are not asked for, not listed, very large, or were erased. */
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
  /** Absent: all. */
  readonly endpoints?: readonly string[] | undefined;
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

/** Bytes of payloads on one page, unless its first item has more. */
const maxPageBytes = 2 ** 20;
/** Bytes of an input or output that is shown: all that are made now. Earlier versions kept data URIs in inputs. */
const maxShown = 1.25 * 2 ** 20;

/** Completed requests, newest first: `limit` of them, or fewer where their payloads are large. */
export async function readHistory(kysely: Kysely<Tables>, query: HistoryQuery): Promise<HistoryPage> {
  // One by one, since the index has the order of each endpoint's requests, but not of those of several.
  const lists = await Promise.all(query.endpoints.map((endpoint) => completedAt(kysely, endpoint, query)));
  const rows = lists.flat().sort((one, other) => Number(other.sequence) - Number(one.sequence));
  const candidates = rows.slice(0, query.limit);
  const page = query.withPayloads === false ? candidates : await fitting(kysely, candidates);
  const payloads = query.withPayloads === false ? undefined : await readPayloads(kysely, page);
  const last = page.at(-1);
  return {
    items: page.map((row) => ({
      id: row.id,
      endpoint: row.endpoint,
      owner: row.owner,
      sentAt: row.accepted_at,
      startedAt: row.started_at ?? undefined,
      endedAt: row.ended_at,
      statusCode: row.status_code,
      inferenceSeconds: row.inference_seconds ?? undefined,
      units: row.units,
      input: payloads?.get(row.id)?.input ?? undefined,
      output: payloads?.get(row.id)?.output ?? undefined,
    })),
    nextCursor: rows.length > page.length && last !== undefined ? Number(last.sequence) : undefined,
  };
}

/** Completed requests of one endpoint, newest first: one more than the query's limit, to tell whether there are more. */
function completedAt(kysely: Kysely<Tables>, endpoint: string, query: HistoryQuery) {
  let select = kysely
    .selectFrom('requests')
    .select(['id', 'sequence', 'endpoint', 'owner', 'accepted_at', 'started_at', 'ended_at', 'status_code'])
    .select(['inference_seconds', 'units', 'listed'])
    .where('state', '=', 'COMPLETED')
    .$narrowType<{ ended_at: NotNull; status_code: NotNull; units: NotNull }>()
    .where('endpoint', '=', endpoint)
    .where('film', 'is', null)
    .orderBy('sequence', 'desc')
    .limit(query.limit + 1);
  if (query.owner !== undefined) select = select.where('owner', '=', query.owner);
  if (query.requestId !== undefined) select = select.where('id', '=', query.requestId);
  if (query.from !== undefined) select = select.where('accepted_at', '>=', query.from);
  if (query.to !== undefined) select = select.where('accepted_at', '<', query.to);
  if (query.outcome !== undefined) select = select.where(statusCodes[query.outcome]);
  for (const word of query.words ?? []) select = select.where(mentions(word));
  if (query.cursor !== undefined) select = select.where('sequence', '<', String(query.cursor));
  return select.execute();
}

type HistoryRow = Pick<RequestRow, 'id' | 'listed'>;

/** The first of `rows`, as many as have their payloads on one page. */
async function fitting<Row extends HistoryRow>(kysely: Kysely<Tables>, rows: readonly Row[]): Promise<readonly Row[]> {
  const ids = listedIds(rows);
  if (ids.length === 0) return rows;
  const bytes = await kysely
    .selectFrom('requests')
    .select(['id', sql<number>`coalesce(${shownBytes('input')}, 0) + coalesce(${shownBytes('output')}, 0)`.as('bytes')])
    .where('id', 'in', ids)
    .execute();
  const bytesOf = new Map(bytes.map((row) => [row.id, row.bytes]));
  let total = 0;
  const excess = rows.findIndex(({ id }, index) => {
    total += bytesOf.get(id) ?? 0;
    return index > 0 && total > maxPageBytes;
  });
  return excess < 0 ? rows : rows.slice(0, excess);
}

async function readPayloads(
  kysely: Kysely<Tables>,
  rows: readonly HistoryRow[],
): Promise<ReadonlyMap<string, Pick<RequestRow, 'input' | 'output'>>> {
  const ids = listedIds(rows);
  if (ids.length === 0) return new Map();
  const payloads = await kysely
    .selectFrom('requests')
    .select(['id', shown('input').as('input'), shown('output').as('output')])
    .where('id', 'in', ids)
    .execute();
  return new Map(payloads.map((row) => [row.id, row]));
}

function listedIds(rows: readonly HistoryRow[]): readonly string[] {
  return rows.filter(({ listed }) => listed).map(({ id }) => id);
}

/** Null where it is not shown. What the disk has of it is looked at first: the rest means to read it. */
function shownBytes(column: 'input' | 'output'): RawBuilder<number | null> {
  const stored = sql`pg_column_size(${sql.ref(column)})`;
  const bytes = sql`octet_length(${sql.ref(column)}::text)`;
  return sql`case when ${stored} <= ${maxShown} then case when ${bytes} <= ${maxShown} then ${bytes} end end`;
}

function shown(column: 'input' | 'output'): RawBuilder<unknown> {
  return sql`case when ${shownBytes(column)} is not null then ${sql.ref(column)} end`;
}

/** Among what is shown of a request. As text, since there are values of `json` that no function for it reads. */
function mentions(word: string): RawBuilder<boolean> {
  const written = JSON.stringify(word).slice(1, -1);
  const text = sql`concat(${shown('input')}::text, ' ', ${shown('output')}::text)`;
  return sql`listed and position(lower(${written}) in lower(${text})) > 0`;
}

const statusCodes = Object.freeze({
  success: sql<boolean>`status_code < 400`,
  user_error: sql<boolean>`status_code >= 400 and status_code < 500`,
  error: sql<boolean>`status_code >= 400`,
});

/** In one answer. */
const maxBuckets = 10_000;

/**
 * Usage by time span, key and endpoint, oldest first.
 *
 * @throws SoundstageError `input`, type `bad_request`, where that is more than fits into an answer
 */
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
    .orderBy(sql`1`)
    .limit(maxBuckets + 1);
  if (query.owner !== undefined) select = select.where('owner', '=', query.owner);
  if (query.endpoints !== undefined) select = select.where('endpoint', 'in', query.endpoints);
  if (query.from !== undefined) select = select.where('at', '>=', query.from);
  if (query.to !== undefined) select = select.where('at', '<', query.to);
  if (query.tags !== undefined) select = select.where(sql<boolean>`tags @> ${JSON.stringify(query.tags)}::jsonb`);
  const buckets = await select.execute();
  if (buckets.length <= maxBuckets) return buckets;
  const message = `there are more than ${maxBuckets} entries: ask for a shorter time, or a longer timeframe`;
  throw new SoundstageError('input', message, { type: 'bad_request', field: 'timeframe' });
}
