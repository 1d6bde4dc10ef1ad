/** A reply that goes on until its request is over, the caller leaves, or the server ends. Dispose once it is over. */
export class OpenReply implements AsyncDisposable {
  readonly #controller = new AbortController();
  readonly #departure: AbortSignal;
  readonly #onDone: (reply: OpenReply) => void;
  readonly abort = (): void => {
    this.#controller.abort();
    this.#done();
  };

  /** `departure` is aborted when the caller leaves. */
  constructor(departure: AbortSignal, onDone: (reply: OpenReply) => void) {
    this.#departure = departure;
    this.#onDone = onDone;
    departure.addEventListener('abort', this.abort, { once: true });
    if (departure.aborted) this.abort();
  }

  /** Aborted when the caller has left or the server ends. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get hasCallerLeft(): boolean {
    return this.#departure.aborted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#done();
  }

  #done(): void {
    this.#departure.removeEventListener('abort', this.abort);
    this.#onDone(this);
  }
}

/** The replies that would keep the server from ending. */
export class OpenReplies {
  readonly #replies = new Set<OpenReply>();
  #ending = false;

  get size(): number {
    return this.#replies.size;
  }

  /** `departure` is aborted when the caller leaves. */
  add(departure: AbortSignal): OpenReply {
    const reply = new OpenReply(departure, (done) => this.#replies.delete(done));
    if (this.#ending) reply.abort();
    else if (!reply.signal.aborted) this.#replies.add(reply);
    return reply;
  }

  /** Brings all of them to an end, and every later one at once. */
  end(): void {
    this.#ending = true;
    for (const reply of this.#replies) reply.abort();
  }
}
