import { SoundstageError } from '../../shared/errors.ts';
import { type CallOptions, ChildService, type ChildServiceOptions } from '../../shared/processes/child-service.ts';
import type { ServiceMethods } from '../../shared/processes/service-messages.ts';
import { memoryExitCode, memoryLimitEnvironment, watchMemory } from './memory-limit.ts';

/** The child was killed because one call took too long or too much memory. */
export class ChildLimitError extends SoundstageError {
  readonly limit: 'time' | 'memory';

  constructor(limit: 'time' | 'memory', message: string) {
    super('crash', message);
    this.limit = limit;
  }
}

export interface GuardedChildOptions extends ChildServiceOptions {
  /** Bytes of resident memory at which the child is killed. */
  readonly memoryLimit: number;
}

export interface GuardedCallOptions<Event> extends Omit<CallOptions<Event>, 'timeout'> {
  /** Milliseconds at which the child is killed. */
  readonly timeLimit: number;
}

/**
 * A child process for work that may crash, hang or eat memory: each such end fails the calls under way, and the next
 * call gets a new child. Owns the process; dispose to end it.
 */
export class GuardedChild<Methods extends ServiceMethods> implements AsyncDisposable {
  readonly #options: GuardedChildOptions;
  readonly #service: ChildService<Methods>;
  #memoryWatch: Disposable | undefined;
  #calls = 0;

  constructor(options: GuardedChildOptions) {
    this.#options = options;
    const { memoryLimit, env } = options;
    this.#service = new ChildService({
      ...options,
      env: () => ({ ...env?.(), ...memoryLimitEnvironment(memoryLimit) }),
    });
  }

  get pid(): number | undefined {
    return this.#service.pid;
  }

  get disposed(): boolean {
    return this.#service.disposed;
  }

  /** @throws ChildLimitError when the call is over its time or memory limit */
  async call<Name extends keyof Methods & string>(
    method: Name,
    params: Methods[Name]['params'],
    { timeLimit, ...options }: GuardedCallOptions<Methods[Name]['event']>,
  ): Promise<Methods[Name]['result']> {
    const { title } = this.#options;
    const overTime = (): void =>
      this.#service.kill(new ChildLimitError('time', `${title} did not finish within ${timeLimit / 1000} s`));
    const clock = setTimeout(overTime, timeLimit);
    this.#calls++;
    this.#memoryWatch ??= this.#watchMemory();
    try {
      return await this.#service.call(method, params, options);
    } catch (error) {
      // The child watches its own memory too, and can only tell by its exit code.
      const told = error instanceof SoundstageError && error.message.endsWith(` with code ${memoryExitCode}`);
      throw told ? this.#overMemory() : error;
    } finally {
      clearTimeout(clock);
      if (--this.#calls === 0) this.#stopWatchingMemory();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopWatchingMemory();
    await this.#service[Symbol.asyncDispose]();
  }

  #watchMemory(): Disposable {
    return watchMemory(
      () => this.#service.pid,
      this.#options.memoryLimit,
      () => this.#service.kill(this.#overMemory()),
    );
  }

  #stopWatchingMemory(): void {
    this.#memoryWatch?.[Symbol.dispose]();
    this.#memoryWatch = undefined;
  }

  #overMemory(): ChildLimitError {
    const { title, memoryLimit } = this.#options;
    return new ChildLimitError('memory', `${title} used more than ${Math.round(memoryLimit / 1e6)} MB of memory`);
  }
}
