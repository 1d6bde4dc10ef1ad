import { type ReadonlySignal, signal } from '@preact/signals';
import { fal, messageOf } from '../server/connection.ts';
import type { Delivery } from './file-input.ts';

/** Why a file is not sent at all. */
export class UnfitFile extends Error {
  override readonly name = 'UnfitFile';
}

/** A file that goes to the server, once; one that fails may be sent again. */
export class Upload {
  readonly #what: string;
  readonly #file: () => File | Promise<File>;
  readonly #delivery;
  #underWay: Promise<void> | undefined;

  /** `what` it is, e.g. `recording`; `file` makes it when it is sent, or throws UnfitFile. */
  constructor(what: string, file: () => File | Promise<File>) {
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
      this.#delivery.value = { state: 'ready', url: await fal.storage.upload(await this.#file()) };
    } catch (error) {
      const problem =
        error instanceof UnfitFile ? error.message : `The ${this.#what} could not be sent: ${messageOf(error)}`;
      this.#delivery.value = { state: 'failed', problem };
    }
  }

  #sending(): Delivery {
    return { state: 'pending', activity: `Sending the ${this.#what}…` };
  }
}
