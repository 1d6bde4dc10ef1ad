import { type ReadonlySignal, signal } from '@preact/signals';
import { ask, ServerError, untilAnswered } from '../server/connection.ts';
import type { Delivery } from './file-input.ts';

/** A file that is on the server already. */
export class StoredFile {
  readonly #what: string;
  readonly #url: string;
  readonly #delivery;

  /** `what` it is, e.g. `recording`. */
  constructor(what: string, url: string) {
    this.#what = what;
    this.#url = url;
    this.#delivery = signal<Delivery>({ state: 'ready', url });
  }

  get delivery(): ReadonlySignal<Delivery> {
    return this.#delivery;
  }

  async deliver(): Promise<void> {}

  /**
   * Its content; undefined where the server does not give it any more, which `delivery` says from then on, or when
   * `signal` was aborted. Waits for a server that is out of reach, and says so to `tell`.
   */
  async read(tell: (reason: string | undefined) => void, signal: AbortSignal): Promise<Blob | undefined> {
    try {
      return await untilAnswered(() => ask(this.#url, (reply) => reply.blob(), { signal }), tell, signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!(error instanceof ServerError)) throw error;
      const isGone = error.status === 404 || error.status === 410;
      const problem = isGone
        ? `This ${this.#what} is not on the server any more: choose another one.`
        : `This ${this.#what} cannot be read: ${error.message}`;
      this.#delivery.value = { state: 'failed', problem };
      return undefined;
    }
  }
}
