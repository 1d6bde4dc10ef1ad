import { floatTensor } from '../../../graph/runtime/host-tensor.ts';
import { floats, type Tensors } from '../../../graph/runtime/session.ts';

/** Keys and values of all positions so far, on the host, in the row layout of `languageModelGraph`. */
export class KeyValueCache {
  readonly #rows: ReadonlyMap<string, Float32Array>;
  readonly #width: number;
  #positions = 0;

  /**
   * @param width keys or values of one position in one layer, `keyValueHeads·headDim`
   * @param capacity positions there is room for
   */
  constructor(layers: number, width: number, capacity: number) {
    const names = Array.from({ length: layers }, (_, index) => [`keys.${index}`, `values.${index}`]).flat();
    this.#rows = new Map(names.map((name) => [name, new Float32Array(capacity * width)]));
    this.#width = width;
  }

  get positions(): number {
    return this.#positions;
  }

  /** The `past_…` inputs of the next run: views, not copies. */
  feeds(): Tensors {
    const filled = this.#positions * this.#width;
    const shape = [this.#positions, this.#width];
    return Object.fromEntries(
      [...this.#rows].map(([name, rows]) => [`past_${name}`, floatTensor(rows.subarray(0, filled), shape)]),
    );
  }

  /** Appends the rows a run has added. */
  append(results: Tensors, count: number): void {
    for (const [name, rows] of this.#rows) rows.set(floats(results, name).data, this.#positions * this.#width);
    this.#positions += count;
  }
}
