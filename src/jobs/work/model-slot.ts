import { cancelled } from '../../shared/cancellation.ts';

/** Whose turn it is among those that wait for the model: the highest priority's, then the lowest order's. */
export interface Turn {
  readonly priority: number;
  readonly order: number;
}

interface Waiting extends Turn {
  take(): void;
}

/** The model, which makes one clip at a time. */
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
  async take(turn: Turn, signal: AbortSignal): Promise<Disposable> {
    if (signal.aborted) throw cancelled();
    if (this.#taken) await this.#wait(turn, signal);
    this.#taken = true;
    return { [Symbol.dispose]: () => this.#next() };
  }

  #wait({ priority, order }: Turn, signal: AbortSignal): Promise<void> {
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
      const waiting = { priority, order, take };
      this.#waiting.add(waiting);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  /** It stays taken where somebody waits, so that nobody gets in between. */
  #next(): void {
    const [next] = [...this.#waiting].sort((one, other) => other.priority - one.priority || one.order - other.order);
    if (next === undefined) this.#taken = false;
    else next.take();
  }
}
