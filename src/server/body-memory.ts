/** Bodies up to so many bytes are always taken: they are no burden, and they are most requests. */
const SMALL = 64 * 1024;

/**
 * How many bytes of JSON bodies may be under way at a time: a body is kept whole while it arrives, and it may arrive as
 * slowly as its sender likes.
 */
export class BodyMemory {
  readonly #limit: number;
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Starts to account for one body; dispose when it is read or given up. */
  open(): BodyAccount {
    let held = 0;
    return {
      grow: (size) => {
        if (size <= SMALL) return true;
        if (this.#used + size - held > this.#limit) return false;
        this.#used += size - held;
        held = size;
        return true;
      },
      [Symbol.dispose]: () => {
        this.#used -= held;
        held = 0;
      },
    };
  }
}

export interface BodyAccount extends Disposable {
  /** Notes that the body has so many bytes by now; false where there is no room for them. */
  grow(size: number): boolean;
}
