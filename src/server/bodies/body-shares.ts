/**
 * Room for bodies that arrive, which their senders take up for as long as they like. A sender may take as much as then
 * is left for others, so that there is always some: half of it alone, a third if somebody else does the same.
 */
export class BodyShares {
  readonly #limit: number;
  readonly #free: number;
  readonly #bySender = new Map<string, number>();
  #used = 0;

  /**
   * @param limit bytes of all bodies
   * @param free bytes up to which a body is not counted
   */
  constructor(limit: number, free = 0) {
    this.#limit = limit;
    this.#free = free;
  }

  /** Starts to account for one body; dispose when it is dealt with or given up. */
  open(sender: string): BodyShare {
    let held = 0;
    return {
      grow: (size) => {
        const more = (size > this.#free ? size : 0) - held;
        if (more > 0 && this.#of(sender) + more > this.#limit - this.#used - more) return false;
        this.#take(sender, more);
        held += more;
        return true;
      },
      [Symbol.dispose]: () => {
        this.#take(sender, -held);
        held = 0;
      },
    };
  }

  #of(sender: string): number {
    return this.#bySender.get(sender) ?? 0;
  }

  #take(sender: string, bytes: number): void {
    this.#used += bytes;
    const taken = this.#of(sender) + bytes;
    if (taken > 0) this.#bySender.set(sender, taken);
    else this.#bySender.delete(sender);
  }
}

export interface BodyShare extends Disposable {
  /** Notes that the body takes up so many bytes by now; false where there is no room for them. */
  grow(size: number): boolean;
}
