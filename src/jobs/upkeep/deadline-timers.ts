import type { Logger } from '../../shared/logger.ts';
import type { JobsContext } from '../request/complete-request.ts';
import { expireOverdue } from './recovery.ts';

/** Later deadlines are left to the housekeeping, which looks each second. */
const maxSeconds = 3600;

/** Looks for requests that were not started in time at the very moment, rather than with the next housekeeping. */
export class DeadlineTimers implements Disposable {
  readonly #context: JobsContext;
  readonly #logger: Logger;
  readonly #timers = new Set<NodeJS.Timeout>();
  #looking = false;
  #again = false;

  constructor(context: JobsContext, logger: Logger) {
    this.#context = context;
    this.#logger = logger;
  }

  /** Call when a request with a deadline in so many seconds has been accepted. */
  add(seconds: number): void {
    if (seconds > maxSeconds) return;
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        void this.#look();
      },
      seconds * 1000 + 1,
    );
    this.#timers.add(timer);
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  async #look(): Promise<void> {
    this.#again = true;
    if (this.#looking) return;
    this.#looking = true;
    while (this.#again) {
      this.#again = false;
      try {
        await expireOverdue(this.#context);
      } catch (error) {
        // The housekeeping looks again.
        this.#logger.warn('requests past their deadline could not be completed', { error });
      }
    }
    this.#looking = false;
  }
}
