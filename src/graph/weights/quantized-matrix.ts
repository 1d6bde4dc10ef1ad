/** A matrix in eight bits, as the runtime's kernel takes it. */
export interface QuantizedMatrix {
  /** `[inputs, outputs]`, −limit … limit. */
  readonly values: Int8Array;
  /** `[outputs]`: the matrix is about values · scales. */
  readonly scales: Float32Array;
  /** What is lost of the matrix, relative (L2) to what its rows have beside their largest number, which is the cause of the loss. */
  readonly error: number;
}

/** What a checkpoint calls the weight of a linear layer in eight bits. */
export function quantizedNames(module: string): { readonly values: string; readonly scales: string } {
  return { values: `${module}.weight_int8`, scales: `${module}.weight_int8_scales` };
}

/** Rows that are turned into columns at a time: so many bytes share a line of the cache. */
const rowsAtOnce = 64;

/**
 * Rounds each row to whole multiples of its largest number over `limit`.
 *
 * @param weight `[outputs, inputs]`
 * @param limit the largest integer
 */
export function quantizeMatrix(weight: Float32Array, outputs: number, limit: number): QuantizedMatrix {
  const inputs = weight.length / outputs;
  const values = new Int8Array(weight.length);
  const scales = new Float32Array(outputs);
  const block = new Int8Array(rowsAtOnce * inputs);
  let [lost, whole] = [0, 0];
  for (let start = 0; start < outputs; start += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, outputs - start);
    for (let row = 0; row < count; row++) {
      const from = (start + row) * inputs;
      const largest = largestOf(weight, from, inputs);
      const scale = Math.fround(largest / limit);
      scales[start + row] = scale;
      // A row without anything in it, or less than float32 holds, becomes zeros.
      const factor = scale === 0 ? 0 : 1 / scale;
      for (let column = 0; column < inputs; column++) {
        const value = weight[from + column] as number;
        const rounded = Math.round(value * factor);
        block[row * inputs + column] = rounded;
        const error = value - rounded * scale;
        lost += error * error;
        whole += value * value;
      }
      whole -= largest * largest;
    }
    for (let column = 0; column < inputs; column++) {
      const to = column * outputs + start;
      for (let row = 0; row < count; row++) values[to + row] = block[row * inputs + column] as number;
    }
  }
  return { values, scales, error: whole <= 0 ? 0 : Math.sqrt(lost / whole) };
}

function largestOf(values: Float32Array, start: number, length: number): number {
  let largest = 0;
  for (let at = start; at < start + length; at++) {
    const size = Math.abs(values[at] as number);
    if (size > largest) largest = size;
  }
  return largest;
}
