/** In-place discrete Fourier transform of `real + i·imaginary`, both as long as the transform. */
export type FourierTransform = (real: Float64Array, imaginary: Float64Array) => void;

/** A radix-2 transform of `length` points, a power of two; its tables are made once. */
export function fourierTransform(length: number): FourierTransform {
  const bits = Math.log2(length);
  if (!Number.isInteger(bits)) throw new Error(`a transform of ${length} points is not a power of two`);
  const cos = Float64Array.from({ length: length / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / length));
  const sin = Float64Array.from({ length: length / 2 }, (_, k) => Math.sin((2 * Math.PI * k) / length));
  const reversed = bitReversal(bits);
  return (real, imaginary) => {
    permute(real, reversed);
    permute(imaginary, reversed);
    for (let half = 1; half < length; half *= 2) combineHalves(real, imaginary, half, cos, sin);
  };
}

/** One stage: every two neighboring transforms of `half` points become one of twice the size. */
function combineHalves(
  real: Float64Array,
  imaginary: Float64Array,
  half: number,
  cos: Float64Array,
  sin: Float64Array,
): void {
  const step = cos.length / half;
  for (let block = 0; block < real.length; block += 2 * half) {
    for (let k = 0, even = block, odd = block + half; k < half; k++, even++, odd++) {
      const c = cos[k * step] as number;
      const s = sin[k * step] as number;
      const x = real[odd] as number;
      const y = imaginary[odd] as number;
      // The odd transform's value turned by e^(−πik/half).
      const turnedReal = x * c + y * s;
      const turnedImaginary = y * c - x * s;
      real[odd] = (real[even] as number) - turnedReal;
      imaginary[odd] = (imaginary[even] as number) - turnedImaginary;
      real[even] = (real[even] as number) + turnedReal;
      imaginary[even] = (imaginary[even] as number) + turnedImaginary;
    }
  }
}

function bitReversal(bits: number): Uint32Array {
  const reversed = new Uint32Array(2 ** bits);
  for (let index = 1; index < reversed.length; index++) {
    reversed[index] = ((reversed[index >> 1] as number) >> 1) | ((index & 1) << (bits - 1));
  }
  return reversed;
}

function permute(values: Float64Array, order: Uint32Array): void {
  for (let index = 0; index < values.length; index++) {
    const other = order[index] as number;
    if (other <= index) continue;
    const value = values[index] as number;
    values[index] = values[other] as number;
    values[other] = value;
  }
}
