/** A second-order filter section, normalised to a0 = 1. */
interface Biquad {
  readonly b: readonly [number, number, number];
  readonly a: readonly [number, number];
}

/**
 * The two filters of ITU-R BS.1770-4 annex 1. The standard gives coefficients for 48 kHz only; these are the analogue
 * parameters behind them (as in libebur128), which hold for every rate.
 */
function kWeightingSections(sampleRate: number): readonly Biquad[] {
  return [headShelf(sampleRate), lowCut(sampleRate)];
}

/** Shelf of +4 dB above 1.7 kHz: the effect of the head. */
function headShelf(sampleRate: number): Biquad {
  const quality = 0.7071752369554196;
  const high = 10 ** (3.999843853973347 / 20);
  const band = high ** 0.4996667741545416;
  const k = Math.tan((Math.PI * 1681.974450955533) / sampleRate);
  const a0 = 1 + k / quality + k * k;
  return {
    b: [
      (high + (band * k) / quality + k * k) / a0,
      (2 * (k * k - high)) / a0,
      (high - (band * k) / quality + k * k) / a0,
    ],
    a: [(2 * (k * k - 1)) / a0, (1 - k / quality + k * k) / a0],
  };
}

/** High-pass at 38 Hz. */
function lowCut(sampleRate: number): Biquad {
  const quality = 0.5003270373238773;
  const k = Math.tan((Math.PI * 38.13547087602444) / sampleRate);
  const a0 = 1 + k / quality + k * k;
  return { b: [1, -2, 1], a: [(2 * (k * k - 1)) / a0, (1 - k / quality + k * k) / a0] };
}

/** One channel as loudness meters hear it (K-weighting, ITU-R BS.1770). */
export function kWeighted(samples: Float32Array, sampleRate: number): Float64Array {
  let output = Float64Array.from(samples);
  for (const section of kWeightingSections(sampleRate)) output = filtered(output, section);
  return output;
}

function filtered(samples: Float64Array<ArrayBuffer>, { b, a }: Biquad): Float64Array<ArrayBuffer> {
  let state1 = 0;
  let state2 = 0;
  for (const [index, input] of samples.entries()) {
    const output = b[0] * input + state1;
    state1 = b[1] * input - a[0] * output + state2;
    state2 = b[2] * input - a[1] * output;
    samples[index] = output;
  }
  return samples;
}
