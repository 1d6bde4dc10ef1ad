import type { Database } from '../../database/open-database.ts';
import { Signal } from '../../shared/signal.ts';
import { channels } from '../request/queues.ts';
import type { RequestStatus } from '../request/request-status.ts';
import type { StatusReader } from './status-reader.ts';
import { StatusWatcher } from './status-watcher.ts';

const pollMilliseconds = 1000;
/** Changes that come closer together are read together. */
const batchWindowMilliseconds = 15;

/**
 * Tells any number of watchers in this process about changes of requests. It listens once and reads the requests that
 * changed together; each second it reads all that are watched, in case a notification was lost and because places
 * in the queue change without one.
 */
export class RequestFeed implements AsyncDisposable {
  readonly #reader: StatusReader;
  readonly #onError: (error: unknown) => void;
  readonly #watchers = new Map<string, Set<StatusWatcher>>();
  readonly #changed = new Set<string>();
  readonly #wakeUp = new Signal();
  readonly #stack = new AsyncDisposableStack();
  #ended = false;

  private constructor(reader: StatusReader, onError: (error: unknown) => void) {
    this.#reader = reader;
    this.#onError = onError;
  }

  static async open(database: Database, reader: StatusReader, onError: (error: unknown) => void): Promise<RequestFeed> {
    const feed = new RequestFeed(reader, onError);
    feed.#stack.use(await database.notifications.listen(channels.requests, (id) => feed.#notified(id)));
    const running = feed.#run();
    feed.#stack.defer(() => running);
    return feed;
  }

  /**
   * The request's status now and after every change, until it is COMPLETED or `signal` is aborted; nothing at all for
   * an unknown request. A slow reader gets the newest status and misses those before.
   */
  async *watch(id: string, signal?: AbortSignal): AsyncGenerator<RequestStatus, void, undefined> {
    const watcher = new StatusWatcher();
    const watchers = this.#watchers.get(id) ?? new Set();
    this.#watchers.set(id, watchers.add(watcher));
    const stop = (): void => watcher.end();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      if (signal?.aborted || this.#ended) return;
      this.#notified(id);
      for (;;) {
        const status = await watcher.next();
        if (status === undefined) return;
        yield status;
        if (status.state === 'COMPLETED') return;
      }
    } finally {
      signal?.removeEventListener('abort', stop);
      watchers.delete(watcher);
      if (watchers.size === 0) this.#watchers.delete(id);
    }
  }

  /** Ends every watch. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    for (const watchers of this.#watchers.values()) for (const watcher of watchers) watcher.end();
    this.#wakeUp.notify();
    await this.#stack.disposeAsync();
  }

  #notified(id: string | undefined): void {
    if (id === undefined) for (const watched of this.#watchers.keys()) this.#changed.add(watched);
    else if (this.#watchers.has(id)) this.#changed.add(id);
    else return;
    this.#wakeUp.notify();
  }

  async #run(): Promise<void> {
    let polled = performance.now();
    while (!this.#ended) {
      await this.#wakeUp.wait(Math.max(0, polled + pollMilliseconds - performance.now()));
      if (performance.now() >= polled + pollMilliseconds) {
        polled = performance.now();
        for (const watched of this.#watchers.keys()) this.#changed.add(watched);
      } else await new Promise((resolve) => setTimeout(resolve, batchWindowMilliseconds));
      try {
        await this.#readChanged();
      } catch (error) {
        // They are read again with the next poll.
        this.#onError(error);
      }
    }
  }

  async #readChanged(): Promise<void> {
    const ids = [...this.#changed].filter((id) => this.#watchers.has(id));
    this.#changed.clear();
    await Promise.all(
      ids.map(async (id) => {
        const status = await this.#reader.read(id);
        for (const watcher of this.#watchers.get(id) ?? []) watcher.update(status);
      }),
    );
  }
}
