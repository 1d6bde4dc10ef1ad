import { sql } from 'kysely';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Database } from '../../database/open-database.ts';
import { webhooksQueue } from '../../jobs/request/queues.ts';
import type { Requests } from '../../jobs/requests.ts';
import type { Origin } from '../addressing/origins.ts';

export interface MetricsOptions {
  /** Memory, event loop and so on of the process. */
  readonly withProcess: boolean;
}

export interface GaugeSources {
  readonly requests: Pick<Requests, 'counts'>;
  readonly openReplies: { readonly size: number };
  readonly database: Pick<Database, 'kysely'>;
}

/** Numbers about the server in the Prometheus format. Labels take few values, whatever callers send. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #replies: Counter<'origin' | 'method' | 'status'>;
  readonly #seconds: Histogram<'origin'>;
  readonly #phases: Counter<'phase'>;
  readonly #clips: Counter;

  constructor({ withProcess }: MetricsOptions) {
    const registers = [this.#registry];
    if (withProcess) collectDefaultMetrics({ register: this.#registry });
    this.#replies = new Counter({
      name: 'soundstage_http_replies_total',
      help: 'Replies by part of the server, method and status.',
      labelNames: ['origin', 'method', 'status'],
      registers,
    });
    this.#seconds = new Histogram({
      name: 'soundstage_http_reply_seconds',
      help: 'Time until a reply began; a direct run waits for its clip.',
      labelNames: ['origin'],
      buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60, 600],
      registers,
    });
    this.#phases = new Counter({
      name: 'soundstage_engine_seconds_total',
      help: 'Time the engine of this process spent, by phase.',
      labelNames: ['phase'],
      registers,
    });
    this.#clips = new Counter({ name: 'soundstage_clips_total', help: 'Clips this process made.', registers });
  }

  /** Adds numbers that are looked up when they are asked for. */
  watch({ requests, openReplies, database }: GaugeSources): void {
    this.#gauge('soundstage_requests_waiting', 'Requests in the queue.', async () => (await requests.counts()).waiting);
    this.#gauge(
      'soundstage_requests_running',
      'Requests that run, on all workers.',
      async () => (await requests.counts()).running,
    );
    this.#gauge('soundstage_open_replies', 'Direct runs and status streams under way here.', () => openReplies.size);
    this.#gauge(
      'soundstage_webhooks_pending',
      'Webhooks still to be delivered.',
      async () => await pendingWebhooks(database),
    );
    this.#gauge('soundstage_files', 'Files stored.', async () => (await storedFiles(database)).count);
    this.#gauge('soundstage_file_bytes', 'Bytes of files stored.', async () => (await storedFiles(database)).bytes);
  }

  countReply(origin: Origin, method: string, status: number, seconds: number): void {
    this.#replies.inc({ origin, method: knownMethods.has(method) ? method : 'other', status: String(status) });
    this.#seconds.observe({ origin }, seconds);
  }

  /** @param seconds by phase of the engine */
  countClip(seconds: Readonly<Record<string, number>>): void {
    this.#clips.inc();
    for (const [phase, spent] of Object.entries(seconds)) this.#phases.inc({ phase }, spent);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    return await this.#registry.metrics();
  }

  #gauge(name: string, help: string, read: () => number | Promise<number>): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect: async () => gauge.set(await read()),
    });
  }
}

const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']);

/** Of the queue's own table, whose counts are cached for a minute otherwise. */
async function pendingWebhooks({ kysely }: Pick<Database, 'kysely'>): Promise<number> {
  const { rows } = await sql<{ readonly count: number }>`
    select count(*)::integer as count from pgboss.job where name = ${webhooksQueue} and state < 'completed'`.execute(
    kysely,
  );
  return rows[0]?.count ?? 0;
}

async function storedFiles({
  kysely,
}: Pick<Database, 'kysely'>): Promise<{ readonly count: number; readonly bytes: number }> {
  return await kysely
    .selectFrom('files')
    .select([sql<number>`count(*)::float8`.as('count'), sql<number>`coalesce(sum(size), 0)::float8`.as('bytes')])
    .where('state', '=', 'stored')
    .executeTakeFirstOrThrow();
}
