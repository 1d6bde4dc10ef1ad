// The stacks of https://github.com/tc39/proposal-explicit-resource-management for Node 22, which has the rest of it only
// as symbols. Import this first in whatever starts a process; it does nothing where the stacks are there already.

type Disposal = () => unknown;

/** What both stacks do: disposals in the order in which they were added. */
class Disposals {
  #disposals: Disposal[] | undefined = [];

  get disposed(): boolean {
    return this.#disposals === undefined;
  }

  add(disposal: Disposal): void {
    if (this.#disposals === undefined) throw new ReferenceError('this stack is disposed already');
    this.#disposals.push(disposal);
  }

  /** The last first; afterwards there are none, and nothing can be added. */
  take(): readonly Disposal[] {
    const taken = this.#disposals ?? [];
    this.#disposals = undefined;
    return taken.toReversed();
  }

  move(): Disposals {
    const moved = new Disposals();
    if (this.#disposals === undefined) throw new ReferenceError('this stack is disposed already');
    moved.#disposals = this.#disposals;
    this.#disposals = undefined;
    return moved;
  }
}

/** Gathers what disposals throw: the first error, or one that holds the earlier one as suppressed. */
class Failures {
  #failure: { readonly error: unknown } | undefined;

  add(error: unknown): void {
    this.#failure = { error: this.#failure === undefined ? error : suppressing(error, this.#failure.error) };
  }

  throwAny(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

function suppressing(error: unknown, suppressed: unknown): Error {
  return Object.assign(new Error('an error was suppressed during disposal'), {
    name: 'SuppressedError',
    error,
    suppressed,
  });
}

function disposalOf(value: unknown, symbols: readonly symbol[]): Disposal {
  for (const symbol of symbols) {
    const method: unknown = Reflect.get(Object(value), symbol);
    if (typeof method === 'function') return () => Reflect.apply(method, value, []);
  }
  throw new TypeError('the value cannot be disposed');
}

export class SyncStack implements DisposableStack {
  readonly [Symbol.toStringTag] = 'DisposableStack';
  #disposals = new Disposals();

  get disposed(): boolean {
    return this.#disposals.disposed;
  }

  use<T extends Disposable | null | undefined>(value: T): T {
    if (value !== null && value !== undefined) this.#disposals.add(disposalOf(value, [Symbol.dispose]));
    return value;
  }

  adopt<T>(value: T, onDispose: (value: T) => void): T {
    this.#disposals.add(() => onDispose(value));
    return value;
  }

  defer(onDispose: () => void): void {
    this.#disposals.add(onDispose);
  }

  move(): DisposableStack {
    const moved = new SyncStack();
    moved.#disposals = this.#disposals.move();
    return moved;
  }

  dispose(): void {
    const failures = new Failures();
    for (const dispose of this.#disposals.take()) {
      try {
        dispose();
      } catch (error) {
        failures.add(error);
      }
    }
    failures.throwAny();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

export class AsyncStack implements AsyncDisposableStack {
  readonly [Symbol.toStringTag] = 'AsyncDisposableStack';
  #disposals = new Disposals();

  get disposed(): boolean {
    return this.#disposals.disposed;
  }

  use<T extends AsyncDisposable | Disposable | null | undefined>(value: T): T {
    if (value !== null && value !== undefined) {
      this.#disposals.add(disposalOf(value, [Symbol.asyncDispose, Symbol.dispose]));
    }
    return value;
  }

  adopt<T>(value: T, onDisposeAsync: (value: T) => PromiseLike<void> | void): T {
    this.#disposals.add(() => onDisposeAsync(value));
    return value;
  }

  defer(onDisposeAsync: () => PromiseLike<void> | void): void {
    this.#disposals.add(onDisposeAsync);
  }

  move(): AsyncDisposableStack {
    const moved = new AsyncStack();
    moved.#disposals = this.#disposals.move();
    return moved;
  }

  async disposeAsync(): Promise<void> {
    const failures = new Failures();
    for (const dispose of this.#disposals.take()) {
      try {
        await dispose();
      } catch (error) {
        failures.add(error);
      }
    }
    failures.throwAny();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disposeAsync();
  }
}

globalThis.DisposableStack ??= SyncStack;
globalThis.AsyncDisposableStack ??= AsyncStack;
