/** Brings one channel to another sample rate; the result has `ceil(samples·to/from)` samples. */
export type Resampler = (samples: Float32Array) => Float32Array;

// The settings the audio encoder was trained with: torchaudio's defaults for a Hann-windowed sinc.
const zeroCrossings = 6;
const rolloff = 0.99;

/**
 * A resampler by windowed-sinc interpolation. With the rates reduced to `o → n`, output sample `i·n + j` is an inner
 * product of the input around sample `i·o` with the taps of phase `j`.
 *
 * @param fromRate samples per second, a positive integer, like `toRate`
 */
export function resampler(fromRate: number, toRate: number): Resampler {
  if (fromRate === toRate) return (samples) => samples.slice();
  const common = greatestCommonDivisor(fromRate, toRate);
  const [stride, phases] = [fromRate / common, toRate / common];
  const { starts, taps, width } = phaseTaps(stride, phases);
  return (samples) => {
    const resampled = new Float32Array(Math.ceil((samples.length * phases) / stride));
    for (let at = 0, phase = 0, origin = 0; at < resampled.length; at++) {
      const start = origin + (starts[phase] as number);
      const end = Math.min(width, samples.length - start);
      let sum = 0;
      for (let tap = Math.max(0, -start), row = phase * width; tap < end; tap++) {
        sum += (taps[row + tap] as number) * (samples[start + tap] as number);
      }
      resampled[at] = sum;
      if (++phase === phases) {
        phase = 0;
        origin += stride;
      }
    }
    return resampled;
  };
}

/** Taps of every phase inside the window: row `j` of `taps` applies to input samples from `starts[j]` on. */
export interface PhaseTaps {
  readonly starts: Int32Array;
  /** `[phases, width]`. */
  readonly taps: Float64Array;
  readonly width: number;
}

/** The interpolation kernel for reduced rates `stride → phases`. */
export function phaseTaps(stride: number, phases: number): PhaseTaps {
  const base = Math.min(stride, phases) * rolloff;
  const reach = (zeroCrossings * stride) / base;
  const width = Math.floor(2 * reach) + 1;
  const starts = new Int32Array(phases);
  const taps = new Float64Array(phases * width);
  for (let phase = 0; phase < phases; phase++) {
    const center = (phase * stride) / phases;
    const start = Math.ceil(center - reach);
    starts[phase] = start;
    for (let tap = 0; tap < width; tap++) {
      const t = (start + tap - center) * (base / stride);
      if (Math.abs(t) < zeroCrossings) taps[phase * width + tap] = (hann(t) * sinc(t) * base) / stride;
    }
  }
  return { starts, taps, width };
}

function hann(t: number): number {
  return Math.cos((Math.PI * t) / (2 * zeroCrossings)) ** 2;
}

function sinc(t: number): number {
  return t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
