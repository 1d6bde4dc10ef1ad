import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Requests } from '../jobs/requests.ts';
import type { Origin } from './origins.ts';

export interface MetricsOptions {
  readonly requests: Pick<Requests, 'counts'>;
  readonly openReplies: { readonly size: number };
  /** Memory, event loop and so on of the process. */
  readonly withProcess: boolean;
}

/** Numbers about the server in the Prometheus format. Labels take few values, whatever callers send. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #replies: Counter<'origin' | 'method' | 'status'>;
  readonly #seconds: Histogram<'origin'>;

  constructor({ requests, openReplies, withProcess }: MetricsOptions) {
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
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 120, 600],
      registers,
    });
    const requestsByState = new Gauge({
      name: 'soundstage_requests',
      help: 'Requests that wait or run, on all workers.',
      labelNames: ['state'],
      registers,
      collect: async () => {
        const { waiting, running } = await requests.counts();
        requestsByState.set({ state: 'waiting' }, waiting);
        requestsByState.set({ state: 'running' }, running);
      },
    });
    const open: Gauge = new Gauge({
      name: 'soundstage_open_replies',
      help: 'Direct runs and status streams under way in this process.',
      registers,
      collect: () => void open.set(openReplies.size),
    });
  }

  countReply(origin: Origin, method: string, status: number, seconds: number): void {
    this.#replies.inc({ origin, method: knownMethods.has(method) ? method : 'other', status: String(status) });
    this.#seconds.observe({ origin }, seconds);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    return await this.#registry.metrics();
  }
}

const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']);
