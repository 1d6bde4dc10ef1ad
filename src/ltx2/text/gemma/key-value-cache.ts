import { floatTensor, type HostTensor } from '../../../graph/runtime/host-tensor.ts';
import { floats, type Tensors } from '../../../graph/runtime/session.ts';

type Feed = { readonly keys: HostTensor<'float32'>; readonly values: HostTensor<'float32'> };

/** Keys and values of all positions so far, on the host, in rows as the language model takes and gives them. */
export class KeyValueCache {
  readonly #layers: readonly { readonly keys: Float32Array; readonly values: Float32Array }[];
  readonly #width: number;
  #positions = 0;

  /**
   * @param width keys or values of one position in one layer, `keyValueHeads·headDim`
   * @param capacity positions there is room for
   */
  constructor(layers: number, width: number, capacity: number) {
    const rows = (): Float32Array => new Float32Array(capacity * width);
    this.#layers = Array.from({ length: layers }, () => ({ keys: rows(), values: rows() }));
    this.#width = width;
  }

  /** How many positions there are so far. */
  get positions(): number {
    return this.#positions;
  }

  /** The `past` of the next run: views, not copies. */
  feeds(): readonly Feed[] {
    const filled = (rows: Float32Array): HostTensor<'float32'> =>
      floatTensor(rows.subarray(0, this.#positions * this.#width), [this.#positions, this.#width]);
    return this.#layers.map(({ keys, values }) => ({ keys: filled(keys), values: filled(values) }));
  }

  /** Appends the rows a run has added. */
  append(results: Tensors, count: number): void {
    const start = this.#positions * this.#width;
    for (const [index, { keys, values }] of this.#layers.entries()) {
      keys.set(floats(results, `added.${index}.keys`).data, start);
      values.set(floats(results, `added.${index}.values`).data, start);
    }
    this.#positions += count;
  }
}
