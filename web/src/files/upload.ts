import { type ReadonlySignal, signal } from '@preact/signals';
import { fal, messageOf } from '../server/connection.ts';
import type { Delivery } from './file-input.ts';

/** A file that goes to the server, once; one that fails may be sent again. */
export class Upload {
  readonly #what: string;
  readonly #file: () => File;
  readonly #delivery;
  #underWay: Promise<void> | undefined;

  /** `what` it is, e.g. `recording`; `file` makes it when it is sent. */
  constructor(what: string, file: () => File) {
    this.#what = what;
    this.#file = file;
    this.#delivery = signal<Delivery>(this.#sending());
  }

  get delivery(): ReadonlySignal<Delivery> {
    return this.#delivery;
  }

  /** Resolves when it is on the server or has failed. */
  async deliver(): Promise<void> {
    if (this.#delivery.value.state === 'ready') return;
    this.#underWay ??= this.#send().finally(() => {
      this.#underWay = undefined;
    });
    await this.#underWay;
  }

  async #send(): Promise<void> {
    this.#delivery.value = this.#sending();
    try {
      this.#delivery.value = { state: 'ready', url: await fal.storage.upload(this.#file()) };
    } catch (error) {
      this.#delivery.value = { state: 'failed', problem: `The ${this.#what} could not be sent: ${messageOf(error)}` };
    }
  }

  #sending(): Delivery {
    return { state: 'pending', activity: `Sending the ${this.#what}…` };
  }
}
