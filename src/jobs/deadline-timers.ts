import { expireOverdue } from './recovery.ts';
import type { Report } from './report.ts';
import type { JobsContext } from './settle.ts';

/** Later deadlines are left to the housekeeping, which looks each second. */
const LONGEST_SECONDS = 3600;

/** Looks for requests that were not started in time at the very moment, rather than with the next housekeeping. */
export class DeadlineTimers implements Disposable {
  readonly #context: JobsContext;
  readonly #report: Report;
  readonly #timers = new Set<NodeJS.Timeout>();
  #looking = false;
  #again = false;

  constructor(context: JobsContext, report: Report) {
    this.#context = context;
    this.#report = report;
  }

  /** Call when a request with a deadline in so many seconds has been accepted. */
  add(seconds: number): void {
    if (seconds > LONGEST_SECONDS) return;
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
        this.#report.warn('requests past their deadline could not be completed', { error });
      }
    }
    this.#looking = false;
  }
}
