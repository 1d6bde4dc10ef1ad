import { basename } from 'node:path';
import type { Transaction } from 'kysely';
import type { AnyEndpoint, ClipEndpoint, FilmEndpoint } from '../../contract/endpoint.ts';
import { audioToVideoLora } from '../../contract/endpoints/audio-to-video-lora.ts';
import type { Problem } from '../../contract/errors/problem.ts';
import { redactPaths } from '../../contract/errors/redact-paths.ts';
import type { Input } from '../../contract/input/input.ts';
import { cost, megapixels } from '../../contract/price.ts';
import type { Lifecycle } from '../../database/json-columns.ts';
import type { Tables } from '../../database/tables.ts';
import type { FileStore } from '../../files/file-store.ts';
import type { PendingFile } from '../../files/pending-file.ts';
import { estimateFilm } from '../../film/estimate.ts';
import { atPart, partInput } from '../../film/part-clip.ts';
import { filmSize } from '../../film/score.ts';
import { SoundstageError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import type { Mutex } from '../../shared/mutex.ts';
import { formatBytes } from '../../shared/quantities.ts';
import { systemCode } from '../../shared/system-code.ts';
import type {
  ClipMaker,
  FilmContext,
  LogLevel,
  MadeClip,
  PartOfFilm,
  PlannedFilm,
  PreparedClip,
} from '../clip-maker.ts';
import { privateRetention } from '../request/complete-request.ts';
import {
  exhaustedOutcome,
  failureOutcome,
  invalidOutcome,
  type Outcome,
  successOutcome,
  unservedOutcome,
} from '../request/outcome.ts';
import { storedOutput } from '../request/stored-output.ts';
import type { Attempt } from './attempt.ts';
import { LogWriter } from './log-writer.ts';
import type { Machine } from './machine.ts';
import type { ModelSlot } from './model-slot.ts';
import { persist } from './persist.ts';
import { ProgressWriter } from './progress-writer.ts';

/** Bytes; a data URI of more does not fit into a string. */
const maxInline = 256 * 2 ** 20;
/** Removed when it is disposed. */
export interface AttemptFolder extends AsyncDisposable {
  readonly path: string;
}

export interface ClipRunOptions {
  readonly maker: ClipMaker;
  readonly files: FileStore;
  readonly machine: Machine;
  readonly slot: ModelSlot;
  /** Of the clips that this worker has made. */
  readonly storing: Mutex;
  readonly logger: Logger;
  /** Aborted when the worker stops: the request goes back to the queue, unless its clip is made already. */
  readonly stopping: AbortSignal;
  /** Milliseconds for which a store of files that fails is tried again. */
  readonly storeTimeout: number;
  /** Called when `phase` has changed. */
  readonly onPhase: () => void;
  /** Place among the requests of its priority that wait for the model. */
  readonly order: number;
}

/** `ready` is what waits for the model only; `making` has it, `storing` has left it. */
export type ClipRunPhase = 'preparing' | 'ready' | 'making' | 'storing';

/** What a worker does about one attempt, from its start to its end in the database. */
export class ClipRun {
  readonly attempt: Attempt;
  readonly #options: ClipRunOptions;
  readonly #logs: LogWriter;
  readonly #progress: ProgressWriter;
  readonly #abort = new AbortController();
  #phase: ClipRunPhase = 'preparing';
  #model: Disposable | undefined;
  #released: Promise<void> | undefined;

  constructor(attempt: Attempt, options: ClipRunOptions) {
    this.attempt = attempt;
    this.#options = options;
    this.#logs = new LogWriter(
      (entries) => attempt.writeLogs(entries),
      (error) => options.logger.warn('log entries could not be written yet', { ...this.#name, error }),
    );
    this.#progress = new ProgressWriter(
      (changes) => attempt.writeProgress(changes),
      (error) => options.logger.warn('progress could not be written', { ...this.#name, error }),
    );
  }

  get requestId(): string {
    return this.attempt.request.id;
  }

  get phase(): ClipRunPhase {
    return this.#phase;
  }

  /** Call when the request may have changed: if it is not ours any more, the work on it ends. */
  async check(): Promise<void> {
    try {
      if (!(await this.attempt.isCurrent())) this.abandon();
    } catch (error) {
      // Whether it is still ours shows with the next heartbeat, and when it is completed.
      this.#options.logger.warn('a request could not be read', { ...this.#name, error });
    }
  }

  /** Ends the work on a request that is not ours any more. */
  abandon(): void {
    this.#abort.abort();
  }

  /** Gives the request back, unless its clip is made already; whatever the clip maker still does is thrown away. */
  release(): void {
    if (this.#phase !== 'storing') this.#released ??= this.#releaseAttempt();
  }

  /**
   * Fetches the inputs, waits for the model, makes the clip, stores it.
   *
   * @param openFolder makes an empty folder for this attempt alone
   * @throws what the database throws while the worker stops; another worker takes the request then
   */
  async run(openFolder: () => Promise<AttemptFolder>): Promise<void> {
    const { stopping } = this.#options;
    const release = (): void => this.release();
    stopping.addEventListener('abort', release, { once: true });
    try {
      if (stopping.aborted) release();
      await this.#process(openFolder).catch((error: unknown) => this.#fail(error));
      await this.#released;
    } finally {
      this.#model?.[Symbol.dispose]();
      stopping.removeEventListener('abort', release);
      await this.#progress.end();
      await this.#logs.end();
    }
  }

  async #process(openFolder: () => Promise<AttemptFolder>): Promise<void> {
    const { endpoint, stage, input: body } = this.attempt.request;
    if (endpoint.makes === 'films' && stage?.kind !== 'part') return await this.#processFilm(endpoint, openFolder);
    const asked = stage?.kind === 'part' ? this.#partAsked(stage) : validatedClip(endpoint, body);
    if (!asked.ok) return await this.#complete(invalidOutcome(asked.problems));
    const { id, owner, drawnSeed, caller } = this.attempt.request;
    const { input } = asked;
    const { signal } = this.#abort;
    signal.throwIfAborted();
    await using folder = await openFolder();
    await using prepared = await this.#options.maker.prepare(
      { id, owner, endpoint: asked.endpoint, input, seed: input.seed ?? drawnSeed, caller, part: asked.part },
      {
        ...this.#contextIn(folder),
        onProgress: this.#progress.update.bind(this.#progress),
        onPreview: this.#progress.show.bind(this.#progress),
      },
    );
    this.#enter('ready');
    const made = await this.#make(prepared);
    if (made === undefined || this.#released !== undefined) return;
    const { width, height } = asked.part === undefined ? made.file : filmSize(asked.part.film.score);
    const units = megapixels(width, height, made.file.frames);
    // One after another, in the order in which they were made.
    await this.#options.storing.run(() => this.#store(made, units, input));
  }

  #partAsked(part: PartOfFilm): AskedClip {
    return { ok: true, endpoint: audioToVideoLora, input: partInput(part.film.score, part.index), part };
  }

  /** Makes the score of a film, or its file once its parts are made; neither waits for the model. */
  async #processFilm(endpoint: FilmEndpoint, openFolder: () => Promise<AttemptFolder>): Promise<void> {
    const { owner, input: body, drawnSeed, caller, stage } = this.attempt.request;
    const { films } = this.#options.maker;
    if (films === undefined) return await this.#complete(unservedOutcome(endpoint.id));
    this.#abort.signal.throwIfAborted();
    if (!(await this.#persist('starting the request', () => this.attempt.start()))) return;
    await using folder = await openFolder();
    const context = this.#contextIn(folder);
    if (stage?.kind === 'join') {
      const made = await films.join(stage.film, context);
      if (this.#released !== undefined) return;
      this.#enter('storing');
      // Its parts are paid for one by one.
      return await this.#options.storing.run(() => this.#store(made, 0, { sync_mode: false }));
    }
    const validated = endpoint.validate(body);
    if (!validated.ok) return await this.#complete(invalidOutcome(validated.problems));
    const { input } = validated;
    const task = { owner, caller, input, seed: input.seed ?? drawnSeed };
    const planned = await films.plan(task, stage?.kind === 'plan' ? stage.resumed : undefined, context);
    if (this.#released !== undefined) return;
    this.#enter('storing');
    await this.#options.storing.run(() => this.#keepPlan(planned));
  }

  /** Stores what all parts of a film are made from, and hands the parts to the queue. */
  async #keepPlan({ score, parts, audio, anchor }: PlannedFilm): Promise<void> {
    const { files, storeTimeout } = this.#options;
    const { id: inputOf, owner } = this.attempt.request;
    await using kept = new AsyncDisposableStack();
    const keep = async (name: string, path: string): Promise<PendingFile> => {
      const file = { owner, name, contentType: 'application/octet-stream', inputOf };
      const pending = await this.#persist('reserving a file', () => files.reserve(file));
      kept.defer(() => pending.discard());
      await this.#persist('storing a file', () => pending.write(path), storeTimeout);
      return pending;
    };
    const recording = await keep('recording', audio);
    const picture = anchor === undefined ? undefined : await keep('anchor', anchor);
    const { frames, price, maxBytes } = estimateFilm(score, [], 0);
    const there = parts.filter(Boolean).length;
    const takes = `${frames} frames, $${price}, at most ${formatBytes(maxBytes)} of parts`;
    this.#logs.add('INFO', `${score.parts.length} parts, ${there} of them are there; ${takes}`);
    const logs = await this.#logs.end();
    const film = { score, parts, audio: recording.id, anchor: picture?.id };
    await this.#persist('handing on the parts', () =>
      this.attempt.planned(film, logs, async (transaction) => {
        await recording.commit(transaction);
        await picture?.commit(transaction);
      }),
    );
  }

  #contextIn(folder: AttemptFolder): FilmContext {
    const log = (level: LogLevel, message: string): void => this.#logs.add(level, redactPaths(message));
    return { folder: folder.path, signal: this.#abort.signal, log };
  }

  /**
   * Makes the clip once the model is free, and lets go of the model; after an error, only once that has been dealt with.
   *
   * @returns undefined where the request is not ours any more
   */
  async #make(prepared: PreparedClip): Promise<MadeClip | undefined> {
    const { slot, order } = this.#options;
    const model = await slot.take({ priority: this.attempt.request.priority, order }, this.#abort.signal);
    this.#model = model;
    // At once: what is about to be started is not for a worker that has nothing to do.
    this.#enter('making');
    for (;;) {
      if (!(await this.#persist('starting the request', () => this.attempt.start()))) return undefined;
      // Given back meanwhile: whoever takes it next makes the clip.
      if (this.#released !== undefined) return undefined;
      try {
        const made = await prepared.make();
        this.#enter('storing');
        model[Symbol.dispose]();
        this.#model = undefined;
        return made;
      } catch (error) {
        if (!(await this.#isToBeRepeated(error))) throw error;
      }
    }
  }

  async #isToBeRepeated(error: unknown): Promise<boolean> {
    const { machine, logger } = this.#options;
    if (this.#abort.signal.aborted || !(await machine.examineModel(error)) || !isCrash(error)) return false;
    logger.warn('the engine crashed', { ...this.#name, error });
    this.#logs.add('ERROR', 'the engine crashed');
    return await this.#persist('counting the crash', () => this.attempt.crashed());
  }

  /** @param units megapixels to be paid for */
  async #store(made: MadeClip, units: number, { sync_mode: inline }: Pick<Input, 'sync_mode'>): Promise<void> {
    const { files, storeTimeout } = this.#options;
    const { id: requestId, endpoint, owner, caller, stage } = this.attempt.request;
    const { path, contentType, fileSize } = made.file;
    if (inline && fileSize > maxInline) throw tooLargeForReply(fileSize);
    const isPart = stage?.kind === 'part';
    const lifecycle = inline ? privateLifecycle : isPart ? { ...caller.lifecycle, ...hidden } : caller.lifecycle;
    const file = { owner, name: basename(path), contentType, requestId, lifecycle };
    const pending = await this.#persist('reserving the file', () => files.reserve(file));
    try {
      await this.#persist('storing the file', () => pending.write(path), storeTimeout);
    } catch (error) {
      await pending.discard().catch((cause: unknown) => {
        this.#options.logger.warn('a file that was not stored is left to the sweep', { ...this.#name, error: cause });
      });
      throw error;
    }
    const charge = units === 0 ? undefined : { units, cost: cost(units, endpoint.price) };
    const output = storedOutput(made, pending.id, inline);
    const parts = stage?.kind === 'join' ? stage.film.score.parts : undefined;
    const outcome = successOutcome(parts === undefined ? output : { ...output, parts }, charge);
    await this.#complete(outcome, (transaction) => pending.commit(transaction));
    // Its request was cancelled or given to somebody else; or else the file is in place.
    const stored = await this.#persist('looking for the file', () => files.find(pending.id));
    if (stored === undefined) await pending.discard();
  }

  /** Does what is to be done about a request whose attempt failed, once its folder is gone. */
  async #fail(thrown: unknown): Promise<void> {
    const { machine, logger } = this.#options;
    if (this.#abort.signal.aborted) return;
    const { request } = this.attempt;
    const error = request.stage?.kind === 'part' ? atPart(thrown, request.stage.index) : thrown;
    switch (await machine.examine(error)) {
      case 'machine': {
        this.#logs.add('WARN', 'the server has trouble with its machine; the request is back in the queue');
        const logs = await this.#logs.end();
        await this.#persist('giving the request back', () => this.attempt.release(logs));
        return;
      }
      case 'exhaustion': {
        logger.warn('a request was too much for this machine', { ...this.#name, error });
        this.#logs.add('WARN', `the request was too much for the disk or the device of the server${reasonOf(error)}`);
        const logs = await this.#logs.end();
        const outcome = exhaustedOutcome(error, request);
        await this.#persist('ending the attempt', () => this.attempt.exhausted(outcome, logs));
        return;
      }
      case 'request': {
        const outcome = failureOutcome(error, request);
        if (outcome.statusCode >= 500) logger.error('a request failed', { ...this.#name, error });
        this.#logs.add('ERROR', outcome.message ?? 'the request failed');
        await this.#complete(outcome);
      }
    }
  }

  async #complete(outcome: Outcome, together?: (transaction: Transaction<Tables>) => Promise<void>): Promise<void> {
    const logs = await this.#logs.end();
    const ours = await this.#persist('completing the request', () => this.attempt.complete(outcome, logs, together));
    const { logger } = this.#options;
    if (ours) logger.info('a request is completed', { ...this.#name, status: outcome.statusCode });
  }

  async #releaseAttempt(): Promise<void> {
    this.#abort.abort();
    try {
      const logs = await this.#logs.end();
      await this.attempt.release(logs);
    } catch (error) {
      // Somebody else takes it once nothing has been heard of this worker for a while.
      this.#options.logger.warn('the request could not be given back', { ...this.#name, error });
    }
  }

  #enter(phase: ClipRunPhase): void {
    this.#phase = phase;
    this.#options.onPhase();
  }

  get #name(): { readonly request: string } {
    return { request: this.attempt.request.id };
  }

  #persist<Result>(what: string, work: () => Promise<Result>, timeout?: number): Promise<Result> {
    return persist(work, { what, timeout, logger: this.#options.logger, stopping: this.#options.stopping });
  }
}

function isCrash(error: unknown): error is SoundstageError {
  return error instanceof SoundstageError && error.kind === 'crash';
}

/** What a device said is for whoever may ask for less; what the system says of its disks is not. */
function reasonOf(error: unknown): string {
  const isTold = error instanceof SoundstageError && error.kind === 'device' && systemCode(error) === undefined;
  return isTold ? `: ${redactPaths(error.message)}` : '';
}

/** Of a file that is its owner's alone. */
const hidden = { initial_acl: { default: 'hide' } } as const satisfies Lifecycle;

/** Of a file that is only read to become part of a reply. */
const privateLifecycle: Lifecycle = Object.freeze<Lifecycle>({
  expiration_duration_seconds: 2 * privateRetention,
  ...hidden,
});

/** A clip to be made, or what is wrong with its input. */
type AskedClip =
  | {
      readonly ok: true;
      readonly endpoint: ClipEndpoint;
      readonly input: Input;
      readonly part?: PartOfFilm | undefined;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

function validatedClip(endpoint: AnyEndpoint, body: unknown): AskedClip {
  if (endpoint.makes === 'films') throw new Error('a film is no clip');
  const validated = endpoint.validate(body);
  return validated.ok ? { ok: true, endpoint, input: validated.input } : validated;
}

function tooLargeForReply(size: number): SoundstageError {
  const megabytes = Math.ceil(size / 2 ** 20);
  return new SoundstageError(
    'input',
    `the clip has ${megabytes} MiB, which is too much for sync_mode: leave sync_mode out, or ask for a smaller clip`,
    { field: 'sync_mode' },
  );
}
