/**
 * A value that is made when it is first asked for and kept from then on; whoever asks meanwhile waits for the same one.
 * A failure is not kept: the next to ask tries anew.
 */
export class Lazy<Value> {
  readonly #make: () => Promise<Value>;
  #made: Promise<Value> | undefined;

  constructor(make: () => Promise<Value>) {
    this.#make = make;
  }

  /** What is made or being made; absent before it was asked for and after a failure. */
  get made(): Promise<Value> | undefined {
    return this.#made;
  }

  get(): Promise<Value> {
    this.#made ??= this.#make().catch((error: unknown) => {
      this.#made = undefined;
      throw error;
    });
    return this.#made;
  }
}
