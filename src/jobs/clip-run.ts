import { basename } from 'node:path';
import type { Transaction } from 'kysely';
import { validateInput } from '../contract/input.ts';
import { megapixels } from '../contract/price.ts';
import type { Tables } from '../database/tables.ts';
import type { FileStore } from '../files/file-store.ts';
import type { Lifecycle } from '../files/lifecycle.ts';
import { SoundstageError } from '../shared/errors.ts';
import type { Attempt } from './attempt.ts';
import type { ClipMaker, ClipRequest, MadeClip } from './clip-maker.ts';
import { LogWriter } from './log-writer.ts';
import { failureOutcome, invalidOutcome, type Outcome, successOutcome } from './outcome.ts';
import { persist } from './persist.ts';
import { ProgressWriter } from './progress-writer.ts';
import type { Report } from './report.ts';
import { PRIVATE_RETENTION } from './settle.ts';
import { storedOutput } from './stored-output.ts';

const HEARTBEAT_MILLISECONDS = 2500;
/** Bytes; a data URI of more does not fit into a string. */
const LARGEST_INLINE = 256 * 2 ** 20;
/** Milliseconds for which a store of files that fails is tried again. */
const STORE_PATIENCE = 30_000;

/** Removed when it is disposed. */
export interface AttemptFolder extends AsyncDisposable {
  readonly path: string;
}

export interface ClipRunParts {
  readonly maker: ClipMaker;
  readonly files: FileStore;
  readonly report: Report;
  /** Aborted when the worker stops: the request goes back to the queue, unless its clip is made already. */
  readonly stopping: AbortSignal;
}

/** What a worker does about one attempt, from its start to its end in the database. */
export class ClipRun {
  readonly #attempt: Attempt;
  readonly #parts: ClipRunParts;
  readonly #logs: LogWriter;
  readonly #progress: ProgressWriter;
  readonly #abort = new AbortController();
  #released: Promise<void> | undefined;

  constructor(attempt: Attempt, parts: ClipRunParts) {
    this.#attempt = attempt;
    this.#parts = parts;
    this.#logs = new LogWriter(
      (entries) => attempt.writeLogs(entries),
      (error) => parts.report.warn('log entries could not be written yet', { ...this.#name, error }),
    );
    this.#progress = new ProgressWriter(
      (changes) => attempt.writeProgress(changes),
      (error) => parts.report.warn('progress could not be written', { ...this.#name, error }),
    );
  }

  get requestId(): string {
    return this.#attempt.request.id;
  }

  /** Call when the request may have changed: if it is not ours any more, the work on it ends. */
  check(): Promise<void> {
    return this.#endUnless(() => this.#attempt.isCurrent());
  }

  /**
   * @param openFolder makes an empty folder for this attempt alone
   * @throws what the database throws when it stays away for minutes; another worker takes the request then
   */
  async run(openFolder: () => Promise<AttemptFolder>): Promise<void> {
    const { stopping } = this.#parts;
    const beat = (): Promise<void> => this.#endUnless(() => this.#attempt.heartbeat());
    const heart = setInterval(() => void beat(), HEARTBEAT_MILLISECONDS);
    const release = (): void => {
      this.#released ??= this.#release();
    };
    stopping.addEventListener('abort', release, { once: true });
    try {
      if (stopping.aborted) release();
      await using folders = new AsyncDisposableStack();
      const end = await this.#make(async () => folders.use(await openFolder()).path);
      stopping.removeEventListener('abort', release);
      if (this.#released === undefined) await end();
      await this.#released;
    } finally {
      clearInterval(heart);
      stopping.removeEventListener('abort', release);
      await this.#progress.end();
      await this.#logs.end();
    }
  }

  /** Makes the clip; returns what is to be done about the result. */
  async #make(openFolder: () => Promise<string>): Promise<() => Promise<void>> {
    const { id, owner, input: body, drawnSeed, caller } = this.#attempt.request;
    const validated = validateInput(body);
    if (!validated.ok) return () => this.#complete(invalidOutcome(validated.problems));
    const { input } = validated;
    const request: ClipRequest = { id, owner, input, seed: input.seed ?? drawnSeed, caller };
    const { signal } = this.#abort;
    try {
      signal.throwIfAborted();
      const folder = await openFolder();
      const log = this.#logs.add.bind(this.#logs);
      const onProgress = this.#progress.update.bind(this.#progress);
      const onPreview = this.#progress.show.bind(this.#progress);
      const made = await this.#parts.maker.make(request, { folder, signal, log, onProgress, onPreview });
      return () => this.#store(made, input.sync_mode);
    } catch (error) {
      return () => this.#fail(error);
    }
  }

  async #store(made: MadeClip, inline: boolean): Promise<void> {
    const { files } = this.#parts;
    const { id: requestId, owner, caller } = this.#attempt.request;
    const { path, contentType, fileSize, width, height, frames } = made.file;
    if (inline && fileSize > LARGEST_INLINE) return await this.#fail(tooLargeForReply(fileSize));
    const lifecycle = inline ? privateLifecycle : caller.lifecycle;
    const file = { owner, name: basename(path), contentType, requestId, lifecycle };
    const pending = await this.#persist('reserving the file', () => files.reserve(file));
    try {
      await this.#persist('storing the file', () => pending.write(path), STORE_PATIENCE);
    } catch (error) {
      await pending.discard();
      return await this.#fail(error);
    }
    const outcome = successOutcome(storedOutput(made, pending.id, inline), megapixels(width, height, frames));
    await this.#complete(outcome, (transaction) => pending.commit(transaction));
    // Its request was cancelled or given to somebody else; or else the file is in place.
    const stored = await this.#persist('looking for the file', () => files.find(pending.id));
    if (stored === undefined) await pending.discard();
  }

  async #fail(error: unknown): Promise<void> {
    const { report } = this.#parts;
    if (this.#abort.signal.aborted) return;
    if (error instanceof SoundstageError && error.kind === 'crash') {
      report.warn('the engine crashed', { ...this.#name, error });
      this.#logs.add('ERROR', 'the engine crashed');
      const logs = await this.#logs.end();
      await this.#persist('ending the attempt', () => this.#attempt.crashed(logs));
      return;
    }
    const outcome = failureOutcome(error, this.#attempt.request.input);
    if (outcome.statusCode >= 500) report.error('a request failed', { ...this.#name, error });
    this.#logs.add('ERROR', outcome.message ?? 'the request failed');
    await this.#complete(outcome);
  }

  async #complete(outcome: Outcome, together?: (transaction: Transaction<Tables>) => Promise<void>): Promise<void> {
    const logs = await this.#logs.end();
    const ours = await this.#persist('completing the request', () => this.#attempt.complete(outcome, logs, together));
    const { report } = this.#parts;
    if (ours) report.info('a request is completed', { ...this.#name, status: outcome.statusCode });
  }

  /** Gives the request back at once; whatever the clip maker still does is thrown away. */
  async #release(): Promise<void> {
    this.#abort.abort();
    try {
      const logs = await this.#logs.end();
      await this.#attempt.release(logs);
    } catch (error) {
      // It counts as an interruption then, once nothing has been heard of this worker for a while.
      this.#parts.report.warn('the request could not be given back', { ...this.#name, error });
    }
  }

  async #endUnless(isOurs: () => Promise<boolean>): Promise<void> {
    try {
      if (!(await isOurs())) this.#abort.abort();
    } catch (error) {
      // Whether it is still ours shows with the next heartbeat, and when it is completed.
      this.#parts.report.warn('the heartbeat failed', { ...this.#name, error });
    }
  }

  get #name(): { readonly request: string } {
    return { request: this.#attempt.request.id };
  }

  #persist<Result>(what: string, work: () => Promise<Result>, patience?: number): Promise<Result> {
    return persist(work, { what, patience, report: this.#parts.report, hurry: this.#parts.stopping });
  }
}

/** Of a file that is only read to become part of a reply. */
const privateLifecycle: Lifecycle = Object.freeze<Lifecycle>({
  expiration_duration_seconds: 2 * PRIVATE_RETENTION,
  initial_acl: { default: 'hide' },
});

function tooLargeForReply(size: number): SoundstageError {
  const megabytes = Math.ceil(size / 2 ** 20);
  return new SoundstageError(
    'input',
    `the clip has ${megabytes} MiB, which is too much for sync_mode: leave sync_mode out, or ask for a smaller clip`,
    { field: 'sync_mode' },
  );
}
