/** Runs asynchronous work one piece at a time, in the order it was asked for. */
export class Mutex {
  #previous: Promise<unknown> = Promise.resolve();

  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#previous.then(work);
    // The next piece waits for this one however it ends; its error belongs to whoever asked for it.
    this.#previous = result.catch(() => {});
    return result;
  }
}
