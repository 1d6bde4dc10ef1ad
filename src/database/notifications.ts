import { type Kysely, sql } from 'kysely';
import { Mutex } from '../shared/mutex.ts';
import type { Tables } from './tables.ts';

/** Called with undefined when notifications may have been lost (a new connection): read everything again. */
export type NotificationHandler = (payload: string | undefined) => void;

/** Hints between the processes that share a database: in order, after the sender's commit, at most once. */
export interface Notifications {
  /** Calls `handler` for every notification on `channel`, this process's own included, until disposed. */
  listen(channel: string, handler: NotificationHandler): Promise<AsyncDisposable>;
  /** Notifies at once or, given a transaction, when that commits. `payload` has less than 8000 bytes. */
  notify(channel: string, payload: string, executor?: Kysely<Tables>): Promise<void>;
}

/** The connection that hears notifications. */
export interface Subscriptions {
  subscribe(channel: string): Promise<void>;
  unsubscribe(channel: string): Promise<void>;
}

/** Hands what one connection hears to the listeners of this process. */
export class SharedNotifications implements Notifications {
  readonly #kysely: Kysely<Tables>;
  readonly #subscriptions: Subscriptions;
  readonly #onError: (error: unknown) => void;
  readonly #handlers = new Map<string, Set<NotificationHandler>>();
  /** A channel's last listener may leave while its next one arrives. */
  readonly #mutex = new Mutex();

  constructor(kysely: Kysely<Tables>, subscriptions: Subscriptions, onError: (error: unknown) => void) {
    this.#kysely = kysely;
    this.#subscriptions = subscriptions;
    this.#onError = onError;
  }

  get channels(): readonly string[] {
    return [...this.#handlers.keys()];
  }

  async listen(channel: string, handler: NotificationHandler): Promise<AsyncDisposable> {
    // The same function may listen twice.
    const entry: NotificationHandler = (payload) => handler(payload);
    await this.#mutex.run(() => this.#add(channel, entry));
    return { [Symbol.asyncDispose]: () => this.#mutex.run(() => this.#remove(channel, entry)) };
  }

  async notify(channel: string, payload: string, executor: Kysely<Tables> = this.#kysely): Promise<void> {
    await sql`select pg_notify(${channel}, ${payload})`.execute(executor);
  }

  deliver(channel: string, payload: string | undefined): void {
    for (const handler of this.#handlers.get(channel) ?? []) {
      try {
        handler(payload);
      } catch (error) {
        this.#onError(error);
      }
    }
  }

  deliverGap(): void {
    for (const channel of this.channels) this.deliver(channel, undefined);
  }

  async #add(channel: string, handler: NotificationHandler): Promise<void> {
    const others = this.#handlers.get(channel);
    if (others !== undefined) return void others.add(handler);
    this.#handlers.set(channel, new Set([handler]));
    try {
      await this.#subscriptions.subscribe(channel);
    } catch (error) {
      this.#handlers.delete(channel);
      throw error;
    }
  }

  async #remove(channel: string, handler: NotificationHandler): Promise<void> {
    const handlers = this.#handlers.get(channel);
    if (!handlers?.delete(handler) || handlers.size > 0) return;
    this.#handlers.delete(channel);
    await this.#subscriptions.unsubscribe(channel);
  }
}

/** A channel as an identifier of a statement. */
export function channelName(channel: string): string {
  return `"${channel.replaceAll('"', '""')}"`;
}
