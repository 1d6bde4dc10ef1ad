// The two filters of ITU-R BS.1770-4 annex 1. The standard gives coefficients for 48 kHz only; these are the analog
// parameters behind them (as in libebur128), which hold for every rate.

/** A second-order filter section, normalized to a0 = 1. */
interface Biquad {
  readonly b: readonly [number, number, number];
  readonly a: readonly [number, number];
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

/** A filter that turns one channel, sample by sample, into what loudness meters hear of it (K-weighting, ITU-R BS.1770). */
export function kWeighting(sampleRate: number): (sample: number) => number {
  const [shelf, cut] = [sectionOf(headShelf(sampleRate)), sectionOf(lowCut(sampleRate))];
  return (sample) => cut(shelf(sample));
}

type Filter = (sample: number) => number;

function sectionOf({ b: [b0, b1, b2], a: [a1, a2] }: Biquad): Filter {
  let [state1, state2] = [0, 0];
  return (input) => {
    const output = b0 * input + state1;
    state1 = b1 * input - a1 * output + state2;
    state2 = b2 * input - a2 * output;
    return output;
  };
}
