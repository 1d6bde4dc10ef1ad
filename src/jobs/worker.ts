import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../database/open-database.ts';
import type { FileStore } from '../files/file-store.ts';
import type { Attempt } from './attempt.ts';
import type { ClipMaker } from './clip-maker.ts';
import { ClipRun } from './clip-run.ts';
import { channels, createQueues } from './queues.ts';
import type { Report } from './report.ts';
import type { JobsContext } from './settle.ts';
import { takeRequest } from './take-request.ts';
import { WakeUp } from './wake-up.ts';
import { openWorkFolder, type WorkFolder } from './work-folder.ts';

const POLL_MILLISECONDS = 1000;
const LONGEST_PAUSE = 5000;

export interface WorkerOptions {
  readonly database: Database;
  readonly files: FileStore;
  /** Stays its owner's: the worker does not dispose it. */
  readonly maker: ClipMaker;
  readonly dataFolder: string;
  /** Seconds for which payloads of finished requests are kept. */
  readonly payloadRetention: number;
  readonly report: Report;
}

/**
 * Takes requests from the queue, one at a time, and has their clips made. Dispose to stop: the request under way goes
 * back to the queue, unless its clip is made already.
 */
export class Worker implements AsyncDisposable {
  readonly #options: WorkerOptions;
  readonly #context: JobsContext;
  readonly #folder: WorkFolder;
  readonly #stack: AsyncDisposableStack;
  readonly #wakeUp = new WakeUp();
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #run: ClipRun | undefined;

  private constructor(options: WorkerOptions, folder: WorkFolder, stack: AsyncDisposableStack) {
    this.#options = options;
    this.#context = options;
    this.#folder = folder;
    this.#stack = stack;
  }

  static async open(options: WorkerOptions): Promise<Worker> {
    const { notifications } = options.database;
    await createQueues(options.database);
    await using opened = new AsyncDisposableStack();
    const folder = opened.use(await openWorkFolder(join(options.dataFolder, 'work')));
    const stack = new AsyncDisposableStack();
    const worker = new Worker(options, folder, stack);
    opened.use(await notifications.listen(channels.clips, () => worker.#wakeUp.call()));
    opened.use(await notifications.listen(channels.requests, (id) => worker.#changed(id)));
    stack.use(opened.move());
    return worker;
  }

  /** Unique among all workers. */
  get id(): string {
    return this.#folder.workerId;
  }

  /** Id of the request under way. */
  get current(): string | undefined {
    return this.#run?.requestId;
  }

  start(): void {
    this.#running ??= this.#work();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#wakeUp.call();
    await this.#running;
    await this.#stack.disposeAsync();
  }

  #changed(id: string | undefined): void {
    if (this.#run !== undefined && (id === undefined || id === this.#run.requestId)) void this.#run.check();
  }

  async #work(): Promise<void> {
    const { report } = this.#options;
    const { signal } = this.#stopping;
    for (let pause = 100; !signal.aborted; ) {
      try {
        const attempt = await takeRequest(this.#context, this.id);
        pause = 100;
        if (attempt === undefined) await this.#wakeUp.sleep(POLL_MILLISECONDS);
        else await this.#process(attempt);
      } catch (error) {
        report.error('the worker has trouble and tries again', { error });
        await sleep(pause);
        pause = Math.min(2 * pause, LONGEST_PAUSE);
      }
    }
  }

  async #process(attempt: Attempt): Promise<void> {
    const { id, number } = attempt.request;
    this.#options.report.info('a request is started', { request: id, attempt: number });
    const run = new ClipRun(attempt, { ...this.#options, stopping: this.#stopping.signal });
    this.#run = run;
    try {
      await run.run(() => this.#folder.open(`${id}-${number}`));
    } finally {
      this.#run = undefined;
    }
  }
}
