import { setTimeout as sleep } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import { Client, type ClientConfig } from 'pg';
import type { OnWarning } from '../backend.ts';
import { channelName, type NotificationHandler, type Notifications, SharedNotifications } from '../notifications.ts';
import type { Tables } from '../tables.ts';

const heartbeatMilliseconds = 10_000;
const answerMilliseconds = 5_000;
const maxPauseMilliseconds = 5_000;

/** Notifications of a PostgreSQL server, on a connection of their own that is replaced when it is lost. */
export class ServerNotifications implements Notifications, AsyncDisposable {
  readonly #config: ClientConfig;
  readonly #onWarning: OnWarning;
  readonly #shared: SharedNotifications;
  readonly #closing = new AbortController();
  #client: Client | undefined;
  #reconnecting: Promise<void> | undefined;
  #heartbeat: NodeJS.Timeout | undefined;

  private constructor(config: ClientConfig, kysely: Kysely<Tables>, onWarning: OnWarning) {
    this.#config = { ...config, application_name: 'soundstage notifications', query_timeout: answerMilliseconds };
    this.#onWarning = onWarning;
    // Without a connection there is nothing to do: the next one subscribes to all channels.
    this.#shared = new SharedNotifications(
      kysely,
      {
        subscribe: async (channel) => void (await this.#client?.query(`listen ${channelName(channel)}`)),
        unsubscribe: async (channel) => void (await this.#client?.query(`unlisten ${channelName(channel)}`)),
      },
      (error) => onWarning(`a listener failed: ${String(error)}`),
    );
  }

  static async open(config: ClientConfig, kysely: Kysely<Tables>, onWarning: OnWarning): Promise<ServerNotifications> {
    const notifications = new ServerNotifications(config, kysely, onWarning);
    await notifications.#connect();
    return notifications;
  }

  listen(channel: string, handler: NotificationHandler): Promise<AsyncDisposable> {
    return this.#shared.listen(channel, handler);
  }

  notify(channel: string, payload: string, executor?: Kysely<Tables>): Promise<void> {
    return this.#shared.notify(channel, payload, executor);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#reconnecting;
    clearInterval(this.#heartbeat);
    const client = this.#client;
    this.#client = undefined;
    await client?.end();
  }

  async #connect(): Promise<void> {
    const client = new Client(this.#config);
    client.on('error', (error) => this.#lose(client, error));
    client.on('end', () => this.#lose(client, new Error('the server closed it')));
    client.on('notification', ({ channel, payload }) => this.#shared.deliver(channel, payload ?? ''));
    try {
      await client.connect();
      this.#client = client;
      for (const channel of this.#shared.channels) await client.query(`listen ${channelName(channel)}`);
    } catch (error) {
      this.#client = undefined;
      client.end().catch(() => {});
      throw error;
    }
    this.#heartbeat = setInterval(() => {
      client.query('select 1').catch((error: Error) => this.#lose(client, error));
    }, heartbeatMilliseconds);
    this.#heartbeat.unref();
  }

  #lose(client: Client, error: Error): void {
    if (client !== this.#client || this.#closing.signal.aborted) return;
    this.#client = undefined;
    clearInterval(this.#heartbeat);
    client.end().catch(() => {});
    this.#onWarning(`the connection for notifications was lost: ${error.message}`);
    this.#reconnecting ??= this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    for (let pause = 100; !this.#closing.signal.aborted; pause = Math.min(2 * pause, maxPauseMilliseconds)) {
      try {
        await sleep(pause, undefined, { signal: this.#closing.signal });
        await this.#connect();
        break;
      } catch {
        // Said once, when the connection was lost.
      }
    }
    this.#reconnecting = undefined;
    if (!this.#closing.signal.aborted) this.#shared.deliverGap();
  }
}
