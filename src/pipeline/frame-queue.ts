/**
 * Hands frames to a slower consumer one batch after the other, and lets the producer run ahead by at most `limit` bytes.
 * A failure of the consumer surfaces in the next `add` or in `drain`.
 */
export class FrameQueue {
  readonly #limit: number;
  readonly #consume: (frames: Uint8Array) => Promise<void>;
  readonly #waiting: (() => void)[] = [];
  #bytes = 0;
  #last: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(limit: number, consume: (frames: Uint8Array) => Promise<void>) {
    this.#limit = limit;
    this.#consume = consume;
  }

  /** Resolves when there is room for more. */
  async add(frames: Uint8Array): Promise<void> {
    this.#bytes += frames.length;
    this.#last = this.#last.then(() => this.#take(frames));
    while (this.#bytes > this.#limit && this.#failure === undefined) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Resolves when everything has been consumed. */
  async drain(): Promise<void> {
    await this.#last;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #take(frames: Uint8Array): Promise<void> {
    try {
      if (this.#failure === undefined) await this.#consume(frames);
    } catch (error) {
      this.#failure = error;
    }
    this.#bytes -= frames.length;
    for (const resume of this.#waiting.splice(0)) resume();
  }
}
