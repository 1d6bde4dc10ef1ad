import { SoundstageError } from '../shared/errors.ts';

interface Waiting {
  readonly order: number;
  take(): void;
}

/** The model, which makes one clip at a time. Of those that wait for it, the lowest order goes first. */
export class ModelSlot {
  #taken = false;
  readonly #waiting = new Set<Waiting>();

  get isTaken(): boolean {
    return this.#taken;
  }

  /**
   * Waits for the model, which is free again once the result is disposed.
   *
   * @throws SoundstageError `cancelled`
   */
  async take(order: number, signal: AbortSignal): Promise<Disposable> {
    if (signal.aborted) throw cancelled();
    if (this.#taken) await this.#turn(order, signal);
    this.#taken = true;
    return { [Symbol.dispose]: () => this.#next() };
  }

  #turn(order: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(waiting);
        reject(cancelled());
      };
      const take = (): void => {
        this.#waiting.delete(waiting);
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const waiting = { order, take };
      this.#waiting.add(waiting);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  /** It stays taken where somebody waits, so that nobody gets in between. */
  #next(): void {
    const [next] = [...this.#waiting].sort((one, other) => one.order - other.order);
    if (next === undefined) this.#taken = false;
    else next.take();
  }
}

function cancelled(): SoundstageError {
  return new SoundstageError('cancelled', 'cancelled');
}
