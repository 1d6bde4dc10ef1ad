import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Endpoints } from '../../contract/endpoint.ts';
import type { Database } from '../../database/open-database.ts';
import type { FileStore } from '../../files/file-store.ts';
import { probeFolder } from '../../shared/folders/folder-probe.ts';
import type { Logger } from '../../shared/logger.ts';
import { Mutex } from '../../shared/mutex.ts';
import { Signal } from '../../shared/signal.ts';
import type { ClipMaker } from '../clip-maker.ts';
import type { JobsContext } from '../request/complete-request.ts';
import { channels, createQueues } from '../request/queues.ts';
import { priorities } from '../request/submission.ts';
import { type Attempt, keepAlive } from './attempt.ts';
import { claimRequest, isOvertaken } from './claim-request.ts';
import { ClipRun } from './clip-run.ts';
import { Machine } from './machine.ts';
import { ModelSlot } from './model-slot.ts';
import { openWorkFolder, type WorkFolder } from './work-folder.ts';

const pollMilliseconds = 1000;
const maxPause = 5000;
const heartbeatMilliseconds = 2500;
/** Requests a worker has at the same time, in whatever phase. */
const maxRequests = 8;
/** Milliseconds that the inputs of one request may take before another one's are fetched as well. */
const fetchMilliseconds = 500;
/** Milliseconds without taking anything ahead after an idle worker was heard of, which repeats itself with every poll. */
const yieldMilliseconds = 3 * pollMilliseconds;

export interface WorkerOptions {
  readonly database: Database;
  readonly endpoints: Endpoints;
  readonly files: FileStore;
  /** Stays its owner's: the worker does not dispose it. */
  readonly maker: ClipMaker;
  /** What it makes clips on, for the log. Default: this machine. */
  readonly title?: string | undefined;
  /** Whether this process has other workers, to which it leaves what it has not begun when they have nothing to do. Default: no. */
  readonly isOneOfSeveral?: boolean | undefined;
  readonly dataFolder: string;
  /** Bytes that have to be free on the disk of the data folder for clips to be made. */
  readonly minFree: number;
  /** Seconds for which payloads of finished requests are kept. */
  readonly payloadRetention: number;
  /** Milliseconds for which a store of files that fails is tried again before the clip is given up. Default 30 s. */
  readonly storeTimeout?: number | undefined;
  readonly logger: Logger;
}

/**
 * Takes requests from the queue, fetches the inputs of several at a time, and has their clips made one by one. Dispose
 * to stop: requests under way go back to the queue, unless their clips are made already.
 *
 * What is taken ahead of the model's being free is one request, or more while their inputs are slow to come or one
 * of a higher priority waits; none while another worker has nothing to do.
 */
export class Worker implements AsyncDisposable {
  readonly #options: WorkerOptions;
  readonly #context: JobsContext;
  readonly #folder: WorkFolder;
  readonly #stack: AsyncDisposableStack;
  readonly #machine: Machine;
  readonly #slot = new ModelSlot();
  readonly #storing = new Mutex();
  readonly #wakeUp = new Signal();
  readonly #stopping = new AbortController();
  /** In the order in which they were taken. */
  readonly #runs = new Map<ClipRun, Promise<void>>();
  #running: Promise<void> | undefined;
  #taken = 0;
  #takenAt = Number.NEGATIVE_INFINITY;
  #yieldsUntil = Number.NEGATIVE_INFINITY;

  private constructor(options: WorkerOptions, folder: WorkFolder, stack: AsyncDisposableStack) {
    const { files, maker, minFree, logger, title } = options;
    this.#options = options;
    this.#context = options;
    this.#folder = folder;
    this.#stack = stack;
    const storage = async (): Promise<void> => {
      await probeFolder(folder.path, minFree);
      await files.probe();
    };
    this.#machine = new Machine({ storage, model: () => maker.probe() }, logger, title);
  }

  static async open(options: WorkerOptions): Promise<Worker> {
    const { notifications } = options.database;
    await createQueues(options.database);
    await using opened = new AsyncDisposableStack();
    const folder = opened.use(await openWorkFolder(join(options.dataFolder, 'work')));
    const stack = new AsyncDisposableStack();
    const worker = new Worker(options, folder, stack);
    opened.use(await notifications.listen(channels.clips, () => worker.#wakeUp.notify()));
    opened.use(await notifications.listen(channels.requests, (id) => worker.#changed(id)));
    opened.use(await notifications.listen(channels.idle, (id) => worker.#isIdle(id)));
    const heart = setInterval(() => void worker.#beat(), heartbeatMilliseconds);
    opened.defer(() => clearInterval(heart));
    stack.use(opened.move());
    return worker;
  }

  /** Unique among all workers. */
  get id(): string {
    return this.#folder.workerId;
  }

  /** Id of the request whose clip is being made or stored. */
  get current(): string | undefined {
    return [...this.#runs.keys()].find(({ phase }) => phase === 'making' || phase === 'storing')?.requestId;
  }

  /** Why this worker takes no requests at the moment. */
  get trouble(): unknown {
    return this.#machine.trouble;
  }

  start(): void {
    this.#running ??= this.#work();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#wakeUp.notify();
    await this.#running;
    await this.#stack.disposeAsync();
  }

  async #work(): Promise<void> {
    const { logger } = this.#options;
    const { signal } = this.#stopping;
    for (let pause = 100; !signal.aborted; ) {
      try {
        if (this.#machine.trouble !== undefined) await this.#recover();
        else if (!(await this.#mayTake())) await this.#wakeUp.wait(fetchMilliseconds);
        else await this.#take();
        pause = 100;
      } catch (error) {
        logger.error('the worker has trouble and tries again', { error });
        await sleep(pause);
        pause = Math.min(2 * pause, maxPause);
      }
    }
    await Promise.all(this.#runs.values());
  }

  async #mayTake(): Promise<boolean> {
    const now = performance.now();
    if (this.#runs.size === 0) return true;
    if (this.#runs.size >= maxRequests || now < this.#yieldsUntil) return false;
    if (this.#has('preparing') && now - this.#takenAt <= fetchMilliseconds) return false;
    const ready = [...this.#runs.keys()].filter(({ phase }) => phase === 'ready');
    if (ready.length === 0) return true;
    const highest = Math.max(...ready.map(({ attempt }) => attempt.request.priority));
    return highest < priorities.normal && (await isOvertaken(this.#context, highest));
  }

  #has(phase: ClipRun['phase']): boolean {
    return [...this.#runs.keys()].some((run) => run.phase === phase);
  }

  async #take(): Promise<void> {
    const ahead = this.#slot.isTaken || this.#has('preparing');
    const has = (id: string): boolean => [...this.#runs.keys()].some(({ requestId }) => requestId === id);
    const { endpoints } = this.#options;
    const attempt = await claimRequest(this.#context, { worker: this.id, endpoints, ahead, has });
    if (attempt !== undefined) this.#begin(attempt);
    else {
      const { database, isOneOfSeveral = false } = this.#options;
      const { kind, notifications } = database;
      if ((kind === 'server' || isOneOfSeveral) && this.#runs.size === 0)
        await notifications.notify(channels.idle, this.id);
      await this.#wakeUp.wait(pollMilliseconds);
    }
  }

  #begin(attempt: Attempt): void {
    const { logger, storeTimeout = 30_000, ...options } = this.#options;
    const { id: request, number } = attempt.request;
    logger.info('a request is started', { request, attempt: number });
    this.#takenAt = performance.now();
    const run = new ClipRun(attempt, {
      ...options,
      logger,
      storeTimeout,
      machine: this.#machine,
      slot: this.#slot,
      storing: this.#storing,
      stopping: this.#stopping.signal,
      order: this.#taken++,
      onPhase: () => this.#wakeUp.notify(),
    });
    const ended = run
      .run(() => this.#folder.open(`${request}-${number}`))
      .catch((error: unknown) => logger.error('a request is left to another worker', { request, error }))
      .finally(() => {
        this.#runs.delete(run);
        this.#wakeUp.notify();
      });
    this.#runs.set(run, ended);
  }

  /** Leaves what is not made yet to other workers, until this machine is well again. */
  async #recover(): Promise<void> {
    for (const run of this.#runs.keys()) if (run.phase !== 'making') run.release();
    await this.#machine.recovered(this.#stopping.signal);
  }

  #changed(id: string | undefined): void {
    for (const run of this.#runs.keys()) if (id === undefined || id === run.requestId) void run.check();
  }

  /** Gives one request that only waits for the model here to a worker that has none. */
  #isIdle(worker: string | undefined): void {
    if (worker === undefined || worker === this.id) return;
    this.#yieldsUntil = performance.now() + yieldMilliseconds;
    [...this.#runs.keys()].find(({ phase }) => phase === 'ready')?.release();
  }

  /** Tells the others that this worker is alive, and hears which requests are not its own any more. */
  async #beat(): Promise<void> {
    const runs = [...this.#runs.keys()];
    if (runs.length === 0) return;
    try {
      const current = await keepAlive(
        this.#context,
        runs.map(({ attempt }) => attempt),
      );
      for (const run of runs) if (!current.has(run.attempt)) run.abandon();
    } catch (error) {
      this.#options.logger.warn('the heartbeat failed', { error });
    }
  }
}
