/** Lets a loop sleep until somebody wakes it, or a while has passed. A call while nobody sleeps is not lost. */
export class Signal {
  #called = false;
  #resolve: (() => void) | undefined;

  /** Ends the sleep, or keeps the next one from starting. */
  notify(): void {
    this.#called = true;
    this.#resolve?.();
  }

  /** Sleeps until called, for at most so many milliseconds. One sleeper at a time. */
  async wait(milliseconds: number): Promise<void> {
    if (!this.#called) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.#resolve = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#called = false;
    this.#resolve = undefined;
  }
}
