import type { Kysely } from 'kysely';
import type { OnWarning } from './backend.ts';
import { type NotificationHandler, type Notifications, SharedNotifications } from './notifications.ts';
import type { SingleConnection } from './single-connection.ts';
import type { Tables } from './tables.ts';

/** Notifications within the one process that has an embedded database open. */
export class EmbeddedNotifications implements Notifications, AsyncDisposable {
  readonly #shared: SharedNotifications;
  readonly #stop: () => void;

  constructor(connection: SingleConnection, kysely: Kysely<Tables>, onWarning: OnWarning) {
    this.#shared = new SharedNotifications(
      kysely,
      {
        subscribe: async (channel) => void (await connection.run((pglite) => pglite.exec(`listen ${quoted(channel)}`))),
        unsubscribe: async (channel) =>
          void (await connection.run((pglite) => pglite.exec(`unlisten ${quoted(channel)}`))),
      },
      (error) => onWarning(`a listener failed: ${String(error)}`),
    );
    this.#stop = connection.pglite.onNotification((channel, payload) => this.#shared.deliver(channel, payload));
  }

  listen(channel: string, handler: NotificationHandler): Promise<AsyncDisposable> {
    return this.#shared.listen(channel, handler);
  }

  notify(channel: string, payload: string, executor?: Kysely<Tables>): Promise<void> {
    return this.#shared.notify(channel, payload, executor);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
  }
}

function quoted(channel: string): string {
  return `"${channel.replaceAll('"', '""')}"`;
}
