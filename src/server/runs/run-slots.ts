/** Limits how many direct runs one caller may have open. */
export class RunSlots {
  readonly limit: number;
  readonly #taken = new Map<string, number>();

  constructor(limit: number) {
    this.limit = limit;
  }

  /** A slot, free again once disposed; undefined when all are taken. */
  take(owner: string): Disposable | undefined {
    const taken = this.#taken.get(owner) ?? 0;
    if (taken >= this.limit) return undefined;
    this.#taken.set(owner, taken + 1);
    return { [Symbol.dispose]: () => this.#free(owner) };
  }

  #free(owner: string): void {
    const left = (this.#taken.get(owner) ?? 0) - 1;
    if (left > 0) this.#taken.set(owner, left);
    else this.#taken.delete(owner);
  }
}
