import { join } from 'node:path';
import type { Database } from '../../database/open-database.ts';
import type { FileStore } from '../../files/file-store.ts';
import type { Logger } from '../../shared/logger.ts';
import { Signal } from '../../shared/signal.ts';
import type { JobsContext } from '../request/complete-request.ts';
import { createQueues } from '../request/queues.ts';
import { releaseFromDeadSenders } from '../webhooks/webhook-recovery.ts';
import { sweepWorkFolders } from '../work/work-folder.ts';
import { expireOverdue, recoverAll, recoverFromDeadWorkers } from './recovery.ts';
import { eraseExpiredPayloads } from './retention.ts';

export interface HousekeepingOptions {
  readonly database: Database;
  readonly files: FileStore;
  readonly dataFolder: string;
  /** Seconds for which payloads of finished requests are kept. */
  readonly payloadRetention: number;
  readonly logger: Logger;
}

const checkMilliseconds = 1000;
const sweepMilliseconds = 60_000;
const stallMilliseconds = 5000;

/**
 * What has to be done now and then, by one process or by any number: deadlines, requests and webhooks of dead
 * processes, payloads and files whose time is over, what dead workers left behind.
 */
export class Housekeeping implements AsyncDisposable {
  readonly #options: HousekeepingOptions;
  readonly #context: JobsContext;
  readonly #wakeUp = new Signal();
  readonly #running: Promise<void>;
  #ended = false;

  private constructor(options: HousekeepingOptions) {
    this.#options = options;
    this.#context = options;
    this.#running = this.#run();
  }

  /** Open it before any worker: on an embedded database it takes all requests from the process before this one. */
  static async open(options: HousekeepingOptions): Promise<Housekeeping> {
    await createQueues(options.database);
    if (options.database.kind === 'embedded') {
      const recovered = await recoverAll(options);
      if (recovered > 0) options.logger.warn('the previous process left requests unfinished', { requests: recovered });
    }
    return new Housekeeping(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    this.#wakeUp.notify();
    await this.#running;
  }

  async #run(): Promise<void> {
    let swept = Number.NEGATIVE_INFINITY;
    let looked = Date.now();
    let stalledAt = Number.NEGATIVE_INFINITY;
    while (!this.#ended) {
      const isReached = await this.#try('requests past their deadline', () => expireOverdue(this.#context));
      // After a suspension of the machine, or an outage of the database, the others get a moment to show that they live.
      if (!isReached || Date.now() - looked > stallMilliseconds) stalledAt = performance.now();
      looked = Date.now();
      if (performance.now() - stalledAt > stallMilliseconds) {
        await this.#try('requests of dead workers', () => recoverFromDeadWorkers(this.#context));
        await this.#try('webhooks of dead senders', () => releaseFromDeadSenders(this.#options.database));
      }
      if (performance.now() - swept > sweepMilliseconds) {
        swept = performance.now();
        await this.#sweep();
      }
      await this.#wakeUp.wait(checkMilliseconds);
    }
  }

  async #sweep(): Promise<void> {
    const { database, files, dataFolder } = this.#options;
    await this.#try('payloads', () => eraseExpiredPayloads(database, files));
    await this.#try('files', () => files.sweep());
    await this.#try('work folders', () => sweepWorkFolders(join(dataFolder, 'work')));
  }

  async #try(what: string, work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.#options.logger.warn(`housekeeping of ${what} failed and is tried again`, { error });
      return false;
    }
  }
}
