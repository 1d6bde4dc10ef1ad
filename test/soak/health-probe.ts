import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { quantile } from './memory-watch.ts';
import type { ServerUnderTest } from './server-under-test.ts';

/** In milliseconds. */
export interface HealthFigures {
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
  /** How late this very process is, which a busy machine makes it too. */
  readonly own: number;
}

const interval = 100;

/** How long `/health` takes, which does nothing: what is more than usual is spent waiting for the event loop. */
export class HealthProbe implements AsyncDisposable {
  readonly #server: ServerUnderTest;
  readonly #own = monitorEventLoopDelay();
  readonly #running: Promise<void>;
  #milliseconds: number[] = [];
  #ended = false;

  constructor(server: ServerUnderTest) {
    this.#server = server;
    this.#own.enable();
    this.#running = this.#run();
  }

  /** Forgets what it measured so far. */
  reset(): void {
    this.#milliseconds = [];
    this.#own.reset();
  }

  get figures(): HealthFigures {
    const times = this.#milliseconds;
    const own = this.#own.percentile(99) / 1e6;
    return { p50: quantile(times, 0.5), p99: quantile(times, 0.99), most: quantile(times, 1), own };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    this.#own.disable();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (; !this.#ended; await wait(interval)) {
      const { life, url } = this.#server;
      if (life === undefined) continue;
      const began = performance.now();
      const answered = await fetch(`${url}/health`).then(
        (reply) => reply.text(),
        () => undefined,
      );
      if (answered !== undefined && this.#server.life === life) this.#milliseconds.push(performance.now() - began);
    }
  }
}
