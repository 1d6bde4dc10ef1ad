import { type ChildProcess, fork } from 'node:child_process';
import { cancelled } from '../cancellation.ts';
import { SoundstageError } from '../errors.ts';
import { Mutex } from '../mutex.ts';
import { childEnvironment } from './child-environment.ts';
import { ownModule } from './own-module.ts';
import type { ChildMessage, ParentMessage, ServiceMethods } from './service-messages.ts';
import { fromWireError } from './wire-error.ts';

export interface ChildServiceOptions {
  /** Source of the module that calls `serveParentProcess`. */
  readonly module: URL;
  /** Shown in error messages, e.g. `the media process`. */
  readonly title: string;
  /** What else is in its environment; asked whenever a child starts. */
  readonly env?: () => NodeJS.ProcessEnv;
  /** Names of variables that are passed on besides those that any process has use for; see `childEnvironment`. */
  readonly variables?: RegExp;
  readonly execArgv?: readonly string[];
  /** The program that runs the module. Default: the one that runs this. */
  readonly execPath?: string;
}

export interface CallOptions<Event> {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which the child is killed and the call fails. */
  readonly timeout?: number | undefined;
  /** Milliseconds a cancelled call may take to end politely before the child is killed. Default 2000. */
  readonly grace?: number | undefined;
  /**
   * Told of the call's events one after another, each once the one before has been dealt with. The result comes after
   * the last of them. A call that failed, was cancelled or lost its child tells of no more.
   */
  readonly onEvent?: ((event: Event) => void | Promise<void>) | undefined;
}

interface PendingCall {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  readonly signal: AbortSignal | undefined;
  onEvent(event: unknown): void | Promise<void>;
  /** What the child says about this call, in the order it was said. */
  readonly messages: Mutex;
}

/** Milliseconds a child without a channel may take to exit. */
const exitMilliseconds = 5000;

interface Child {
  readonly process: ChildProcess;
  /** Resolves when the process is gone. */
  readonly gone: PromiseWithResolvers<void>;
  /** The end of what it printed to stderr. */
  stderr: string;
  /** Why it is being ended; absent while it serves. */
  ending?: SoundstageError;
}

/**
 * Calls a service in a child process, which it starts on first use and again after a crash or a kill: a dead child
 * fails the calls that were under way and nothing else. There is never a second child before the first is gone.
 * Owns the process; dispose to end it.
 */
export class ChildService<Methods extends ServiceMethods> implements AsyncDisposable {
  readonly #options: ChildServiceOptions;
  readonly #pending = new Map<number, PendingCall>();
  #child: Child | undefined;
  #disposed = false;
  #nextId = 0;

  constructor(options: ChildServiceOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#child?.process.pid;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** Starts the child ahead of the first call. */
  start(): void {
    if (this.#child === undefined && !this.#disposed) this.#child = this.#spawn();
  }

  async call<Name extends keyof Methods & string>(
    method: Name,
    params: Methods[Name]['params'],
    options: CallOptions<Methods[Name]['event']> = {},
  ): Promise<Methods[Name]['result']> {
    const { signal, timeout, grace = 2000, onEvent = () => {} } = options;
    const child = await this.#serving(signal);
    // Whoever cancels in the same turn as it calls does so before anything listens.
    if (signal?.aborted) throw cancelled();
    const id = this.#nextId++;
    const timers: NodeJS.Timeout[] = [];
    const onAbort = (): void => {
      this.#send(child, { type: 'cancel', id });
      timers.push(setTimeout(() => this.#end(child, cancelled()), grace));
    };
    try {
      const result = await new Promise((resolve, reject) => {
        const messages = new Mutex();
        this.#pending.set(id, { resolve, reject, signal, onEvent: onEvent as PendingCall['onEvent'], messages });
        signal?.addEventListener('abort', onAbort, { once: true });
        if (timeout !== undefined) timers.push(setTimeout(() => this.#end(child, this.#timedOut(timeout)), timeout));
        this.#send(child, { type: 'call', id, method, params });
      });
      // Events may have been passed over since then.
      if (signal?.aborted) throw cancelled();
      return result;
    } catch (error) {
      if (signal?.aborted) throw cancelled(error);
      throw error;
    } finally {
      this.#pending.delete(id);
      for (const timer of timers) clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Ends the child at once; calls under way fail with `reason`. The next call starts a new child. */
  kill(reason = this.#stopped()): void {
    if (this.#child !== undefined) this.#end(this.#child, reason);
  }

  /** Ends the child; later calls fail. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.kill();
    await this.#child?.gone.promise;
  }

  /** The child that takes calls, once one that is being ended is gone. */
  async #serving(signal: AbortSignal | undefined): Promise<Child> {
    if (signal?.aborted) throw cancelled();
    while (this.#child?.ending !== undefined) await this.#gone(this.#child, signal);
    if (this.#disposed) throw this.#stopped();
    this.#child ??= this.#spawn();
    return this.#child;
  }

  /** A process can outlive its kill by a while, for instance inside a driver: waiting for it can be cancelled. */
  async #gone(child: Child, signal: AbortSignal | undefined): Promise<void> {
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => aborted.reject(cancelled());
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([child.gone.promise, aborted.promise]);
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #spawn(): Child {
    const { module, title, env, variables, execArgv = [], execPath = globalThis.process.execPath } = this.#options;
    const process = fork(ownModule(module), {
      serialization: 'advanced',
      execPath,
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      execArgv: ['--disable-warning=ExperimentalWarning', ...execArgv],
      env: { ...childEnvironment(globalThis.process.env, variables), ...env?.() },
    });
    const child: Child = { process, gone: Promise.withResolvers(), stderr: '' };
    process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      child.stderr = (child.stderr + text).slice(-4000);
      if (globalThis.process.env.SOUNDSTAGE_DEBUG) globalThis.process.stderr.write(text);
    });
    process.on('message', (message: ChildMessage) => this.#receive(child, message));
    process.on('exit', (code, exitSignal) => {
      const how = exitSignal === null ? `with code ${code}` : `by signal ${exitSignal}`;
      this.#exited(child, crash(`${title} ended unexpectedly ${how}`, child.stderr));
    });
    process.on('error', (cause) => {
      // Without a process there is no `exit`. One that lives, but cannot be talked to, is of no use.
      if (process.pid === undefined) this.#exited(child, crash(`${title} could not be started`, cause));
      else this.#end(child, crash(`${title} could not be reached`, cause));
    });
    // A child that closes its end of the channel is about to exit by itself, with a code that says more than a kill.
    process.on('disconnect', () => {
      const clock = setTimeout(() => this.#end(child, crash(`${title} does not answer any more`)), exitMilliseconds);
      void child.gone.promise.then(() => clearTimeout(clock));
    });
    return child;
  }

  #send({ process }: Child, message: ParentMessage): void {
    // Whatever cannot be sent has no receiver any more: its calls fail when the child is gone.
    if (process.connected) process.send(message, () => {});
  }

  #receive(child: Child, message: ChildMessage): void {
    const call = this.#pending.get(message.id);
    const acknowledge = (): void => {
      if (message.type === 'event') this.#send(child, { type: 'acknowledge', event: message.event });
    };
    // The child does not wait for ever for what nobody will hear.
    if (call === undefined) {
      acknowledge();
      return;
    }
    void call.messages.run(async () => {
      try {
        if (this.#pending.get(message.id) !== call) return;
        if (message.type === 'result') call.resolve(message.value);
        else if (message.type === 'error') call.reject(fromWireError(message.error));
        else if (!call.signal?.aborted) await call.onEvent(message.value);
      } catch (error) {
        // A failed event handler fails the call.
        this.#pending.delete(message.id);
        call.reject(error);
        this.#send(child, { type: 'cancel', id: message.id });
      } finally {
        acknowledge();
      }
    });
  }

  /** Kills a child, whose calls fail with `reason` when it is gone. */
  #end(child: Child, reason: SoundstageError): void {
    if (child.ending !== undefined) return;
    child.ending = reason;
    child.process.kill('SIGKILL');
  }

  #exited(child: Child, error: SoundstageError): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    for (const call of this.#pending.values()) call.reject(child.ending ?? error);
    this.#pending.clear();
    child.gone.resolve();
  }

  #stopped(): SoundstageError {
    return crash(`${this.#options.title} was stopped`);
  }

  #timedOut(timeout: number): SoundstageError {
    return crash(`${this.#options.title} did not answer within ${timeout / 1000} s`);
  }
}

function crash(message: string, cause?: unknown): SoundstageError {
  return new SoundstageError('crash', message, { cause });
}
