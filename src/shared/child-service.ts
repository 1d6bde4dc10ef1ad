import { type ChildProcess, fork } from 'node:child_process';
import { fromWireError, SoundstageError } from './errors.ts';
import type { ChildMessage, ParentMessage, ServiceMethods } from './service-messages.ts';

export interface ChildServiceOptions {
  /** Module that calls `serveParentProcess`. */
  readonly module: URL;
  /** Shown in error messages, e.g. `the media process`. */
  readonly title: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly execArgv?: readonly string[];
}

export interface CallOptions<Event> {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which the child is killed and the call fails. */
  readonly timeout?: number | undefined;
  /** Milliseconds a cancelled call may take to end politely before the child is killed. Default 2000. */
  readonly grace?: number | undefined;
  readonly onEvent?: ((event: Event) => void | Promise<void>) | undefined;
}

interface PendingCall {
  resolve(value: unknown): void;
  reject(error: Error): void;
  onEvent(event: unknown): void | Promise<void>;
}

/**
 * Calls a service in a child process, which it starts on first use and again after a crash or a kill: a dead child
 * fails the calls that were under way and nothing else. Owns the process; dispose to end it.
 */
export class ChildService<Methods extends ServiceMethods> implements AsyncDisposable {
  readonly #options: ChildServiceOptions;
  readonly #pending = new Map<number, PendingCall>();
  #child: ChildProcess | undefined;
  #nextId = 0;
  #stderr = '';
  #fatal: SoundstageError | undefined;

  constructor(options: ChildServiceOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts the child ahead of the first call. */
  start(): void {
    this.#start();
  }

  async call<Name extends keyof Methods & string>(
    method: Name,
    params: Methods[Name]['params'],
    options: CallOptions<Methods[Name]['event']> = {},
  ): Promise<Methods[Name]['result']> {
    const { signal, timeout, grace = 2000, onEvent = () => {} } = options;
    if (signal?.aborted) throw cancelled();
    const child = this.#start();
    const id = this.#nextId++;
    const timers: NodeJS.Timeout[] = [];
    const onAbort = (): void => {
      this.#send(child, { type: 'cancel', id });
      timers.push(setTimeout(() => this.kill(cancelled()), grace));
    };
    try {
      return await new Promise((resolve, reject) => {
        this.#pending.set(id, { resolve, reject, onEvent: onEvent as PendingCall['onEvent'] });
        signal?.addEventListener('abort', onAbort, { once: true });
        if (timeout !== undefined) timers.push(setTimeout(() => this.kill(this.#timedOut(timeout)), timeout));
        this.#send(child, { type: 'call', id, method, params });
      });
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
  kill(reason = new SoundstageError('crash', `${this.#options.title} was stopped`)): void {
    this.#fatal = reason;
    this.#child?.kill('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    this.kill();
    await exited;
  }

  #start(): ChildProcess {
    if (this.#child !== undefined) return this.#child;
    const { module, env, execArgv = [] } = this.#options;
    const child = fork(module, {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      execArgv: ['--disable-warning=ExperimentalWarning', ...execArgv],
      env: { ...process.env, ...env },
    });
    this.#child = child;
    this.#stderr = '';
    this.#fatal = undefined;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4000);
      if (process.env.SOUNDSTAGE_DEBUG) process.stderr.write(text);
    });
    child.on('message', (message: ChildMessage) => this.#receive(child, message));
    child.on('exit', (code, exitSignal) => this.#exited(child, code, exitSignal));
    // A failed spawn or a broken pipe also ends in `exit` or leaves pending calls to fail here.
    child.on('error', (error) => this.#exited(child, null, null, error));
    return child;
  }

  #send(child: ChildProcess, message: ParentMessage): void {
    if (child.connected) child.send(message, () => {});
  }

  #receive(child: ChildProcess, message: ChildMessage): void {
    const call = this.#pending.get(message.id);
    if (message.type === 'event') {
      // A failed event handler fails the call, and still acknowledges so that the child does not wait for ever.
      void Promise.resolve()
        .then(() => call?.onEvent(message.value))
        .catch((error: Error) => {
          call?.reject(error);
          this.#send(child, { type: 'cancel', id: message.id });
        })
        .finally(() => this.#send(child, { type: 'acknowledge', event: message.event }));
    } else if (message.type === 'result') call?.resolve(message.value);
    else call?.reject(fromWireError(message.error));
  }

  #exited(child: ChildProcess, code: number | null, exitSignal: string | null, cause?: Error): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    const how = exitSignal === null ? `with code ${code}` : `by signal ${exitSignal}`;
    const error =
      this.#fatal ??
      new SoundstageError('crash', `${this.#options.title} ended unexpectedly ${how}`, {
        cause: cause ?? this.#stderr,
      });
    for (const call of this.#pending.values()) call.reject(error);
    this.#pending.clear();
  }

  #timedOut(timeout: number): SoundstageError {
    return new SoundstageError('crash', `${this.#options.title} did not answer within ${timeout / 1000} s`);
  }
}

function cancelled(cause?: unknown): SoundstageError {
  return new SoundstageError('cancelled', 'cancelled', { cause });
}
