import { isDeepStrictEqual } from 'node:util';
import type { RequestStatus } from '../request/request-status.ts';

/** One reader's view of a request: the newest status it has not seen. */
export class StatusWatcher {
  #status: RequestStatus | undefined;
  #unseen = false;
  #ended = false;
  #resolve: (() => void) | undefined;

  /** Undefined: there is no such request, so there is nothing to watch. */
  update(status: RequestStatus | undefined): void {
    if (status === undefined) this.end();
    else if (!isDeepStrictEqual(status, this.#status)) {
      this.#status = status;
      this.#unseen = true;
      this.#resolve?.();
    }
  }

  end(): void {
    this.#ended = true;
    this.#resolve?.();
  }

  /** Waits for news; undefined when there will be none. One call at a time. */
  async next(): Promise<RequestStatus | undefined> {
    if (!this.#unseen && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
      this.#resolve = undefined;
    }
    if (this.#ended) return undefined;
    this.#unseen = false;
    return this.#status;
  }
}
