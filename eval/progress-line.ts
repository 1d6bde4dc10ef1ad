import type { TextOutput } from '../src/cli/reporting.ts';

/** What is being measured: one line that redraws itself on a terminal, a line every few seconds elsewhere. */
export class ProgressLine implements Disposable {
  readonly #output: TextOutput;
  readonly #every = 10_000;
  #shownAt = Number.NEGATIVE_INFINITY;
  #drawn = false;

  constructor(output: TextOutput) {
    this.#output = output;
  }

  show(text: string): void {
    if (this.#output.isTTY) {
      this.#output.write(`\r\u001b[K${text.slice(0, (this.#output.columns ?? 100) - 1)}`);
      this.#drawn = true;
    } else if (performance.now() - this.#shownAt > this.#every) {
      this.#output.write(`${text}\n`);
      this.#shownAt = performance.now();
    }
  }

  [Symbol.dispose](): void {
    if (this.#drawn) this.#output.write('\r\u001b[K');
    this.#drawn = false;
  }
}
