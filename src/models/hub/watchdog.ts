import { TransientError } from './retry.ts';

/** Aborts its signal with a TransientError when `touch` was not called for `timeout` milliseconds. */
export class Watchdog implements Disposable {
  readonly signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;

  constructor(timeout: number, signal: AbortSignal | undefined) {
    const controller = new AbortController();
    this.signal = signal === undefined ? controller.signal : AbortSignal.any([signal, controller.signal]);
    const stalled = new TransientError(`nothing arrived for ${timeout / 1000} s`);
    this.#timer = setTimeout(() => controller.abort(stalled), timeout);
  }

  touch(): void {
    this.#timer.refresh();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
