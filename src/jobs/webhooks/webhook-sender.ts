import type { Database } from '../../database/open-database.ts';
import type { FileStore } from '../../files/file-store.ts';
import { SoundstageError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import { Signal } from '../../shared/signal.ts';
import { channels, createQueues, webhooksQueue } from '../request/queues.ts';
import { storedText } from '../request/stored-text.ts';
import { claimDeliveries, type Delivery } from './claim-deliveries.ts';
import type { WebhookKeys } from './webhook-keys.ts';
import { webhookMessage } from './webhook-message.ts';
import { recoverAllDeliveries, releaseDelivery } from './webhook-recovery.ts';
import { answerTimeouts, heartbeatMilliseconds, pollMilliseconds } from './webhook-timing.ts';

/**
 * Posts to a URL and gives the status of the answer; redirects are not followed.
 *
 * @throws SoundstageError `input` where another try cannot succeed, e.g. because the address may not be contacted
 */
export type Post = (
  url: string,
  options: {
    readonly body: Uint8Array;
    readonly headers: Readonly<Record<string, string>>;
    /** Milliseconds. */
    readonly timeout: number;
    readonly signal: AbortSignal;
  },
) => Promise<{ readonly status: number }>;

export interface WebhookSenderOptions {
  readonly database: Database;
  readonly files: FileStore;
  readonly keys: WebhookKeys;
  readonly post: Post;
  readonly logger: Logger;
}

/** How an attempt ended: `gone` where there is nothing to deliver, `interrupted` because the sender stops. */
type Result = 'delivered' | 'gone' | 'interrupted' | { readonly failure: string; readonly final: boolean };

/**
 * Delivers the webhooks of completed requests, several at a time and each until it is accepted, for some hours. Owners and
 * receivers have fair shares, so that none that hangs holds up the others. What is under way when it is disposed, or when
 * its process dies, is delivered (perhaps again) by another one.
 */
export class WebhookSender implements AsyncDisposable {
  readonly #options: WebhookSenderOptions;
  readonly #wakeUp = new Signal();
  readonly #stopping = new AbortController();
  readonly #under = new Map<Delivery, Promise<void>>();
  readonly #stack = new AsyncDisposableStack();

  private constructor(options: WebhookSenderOptions) {
    this.#options = options;
  }

  static async open(options: WebhookSenderOptions): Promise<WebhookSender> {
    const { database } = options;
    await createQueues(database);
    if (database.kind === 'embedded') await recoverAllDeliveries(database);
    const sender = new WebhookSender(options);
    sender.#stack.use(await database.notifications.listen(channels.webhooks, () => sender.#wakeUp.notify()));
    const heart = setInterval(() => void sender.#beat(), heartbeatMilliseconds);
    sender.#stack.defer(() => clearInterval(heart));
    const running = sender.#run();
    sender.#stack.defer(() => running);
    return sender;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#wakeUp.notify();
    await this.#stack.disposeAsync();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const { database } = this.#options;
        for (const job of await claimDeliveries(database, [...this.#under.keys()])) this.#start(job);
      } catch (error) {
        this.#options.logger.warn('webhooks could not be read and are tried again', { error });
      }
      await this.#wakeUp.wait(pollMilliseconds);
    }
    await Promise.all(this.#under.values());
  }

  /** Tells the others that this sender is alive. */
  async #beat(): Promise<void> {
    if (this.#under.size === 0) return;
    try {
      await this.#options.database.boss.touch(webhooksQueue, [...this.#under.keys()]);
    } catch (error) {
      this.#options.logger.warn('the heartbeat of webhooks failed', { error });
    }
  }

  #start(job: Delivery): void {
    const delivery = this.#deliver(job).finally(() => {
      this.#under.delete(job);
      this.#wakeUp.notify();
    });
    this.#under.set(job, delivery);
  }

  async #deliver(job: Delivery): Promise<void> {
    const { logger } = this.#options;
    const { request } = job;
    try {
      const result = await this.#attempt(job);
      await this.#complete(job, result);
    } catch (error) {
      // Without a heartbeat somebody takes it again.
      logger.warn('the delivery of a webhook was not recorded', { request, error });
    }
  }

  async #attempt({ request, isRepeat }: Delivery): Promise<Result> {
    const { database, files, keys, post } = this.#options;
    const message = await webhookMessage(database.kysely, files, request);
    if (message === undefined) return 'gone';
    try {
      const { status } = await post(message.url, {
        body: message.body,
        headers: { 'content-type': 'application/json', ...keys.headers(message) },
        timeout: isRepeat ? answerTimeouts.later : answerTimeouts.first,
        signal: this.#stopping.signal,
      });
      if (status >= 200 && status < 300) return 'delivered';
      return { failure: `the receiver answered ${status}`, final: status >= 300 && status < 400 };
    } catch (error) {
      if (this.#stopping.signal.aborted) return 'interrupted';
      if (error instanceof SoundstageError) return { failure: error.message, final: error.kind === 'input' };
      this.#options.logger.error('a webhook could not be posted', { request, error });
      return { failure: 'it could not be posted', final: false };
    }
  }

  async #complete(job: Delivery, result: Result): Promise<void> {
    const { database, logger } = this.#options;
    const { request } = job;
    if (result === 'interrupted') {
      await releaseDelivery(database, job);
      return;
    }
    if (typeof result === 'string') {
      await database.boss.deleteJob(webhooksQueue, job);
      logger.debug(`a webhook is ${result}`, { request });
      return;
    }
    const isLast = result.final || job.retryCount >= job.retryLimit;
    const message = `the webhook was not delivered${isLast ? '' : ' yet'}: ${result.failure}`;
    await this.#log(request, message);
    logger.info(message, { request });
    if (result.final) await database.boss.deleteJob(webhooksQueue, job);
    else await database.boss.fail(webhooksQueue, job, { message: result.failure });
  }

  async #log(request: string, message: string): Promise<void> {
    await this.#options.database.kysely
      .insertInto('request_logs')
      .values({ request_id: request, at: new Date(), level: 'WARN', message: storedText(message) })
      .execute();
  }
}
