/** A triangle over neighboring bins of a spectrum. */
export interface MelFilter {
  readonly firstBin: number;
  readonly weights: Float64Array;
}

export interface MelScale {
  readonly bands: number;
  /** Range covered, in Hz. */
  readonly lowest: number;
  readonly highest: number;
}

/**
 * Triangular filters whose corners are equally spaced on the Slaney mel scale, each of area 1 (Slaney's norm), as in
 * Auditory Toolbox, librosa and torchaudio.
 *
 * @param bins bins of the spectrum, the last of them at half of `sampleRate`
 */
export function melFilters({ bands, lowest, highest }: MelScale, bins: number, sampleRate: number): MelFilter[] {
  const [low, high] = [melFromHertz(lowest), melFromHertz(highest)];
  const corner = (index: number): number => hertzFromMel(low + ((high - low) * index) / (bands + 1));
  const binHertz = sampleRate / 2 / (bins - 1);
  return Array.from({ length: bands }, (_, band) => {
    const [left, center, right] = [corner(band), corner(band + 1), corner(band + 2)];
    const firstBin = Math.floor(left / binHertz) + 1;
    const lastBin = Math.min(bins - 1, Math.ceil(right / binHertz) - 1);
    const weights = Float64Array.from({ length: Math.max(0, lastBin - firstBin + 1) }, (_, index) => {
      const hertz = (firstBin + index) * binHertz;
      const height = Math.min((hertz - left) / (center - left), (right - hertz) / (right - center));
      return (2 * height) / (right - left);
    });
    return { firstBin, weights };
  });
}

// Slaney's scale: linear up to 1000 Hz, logarithmic above.
const hertzPerMel = 200 / 3;
const breakHertz = 1000;
const breakMel = breakHertz / hertzPerMel;
const logStep = Math.log(6.4) / 27;

export function melFromHertz(hertz: number): number {
  return hertz < breakHertz ? hertz / hertzPerMel : breakMel + Math.log(hertz / breakHertz) / logStep;
}

function hertzFromMel(mel: number): number {
  return mel < breakMel ? mel * hertzPerMel : breakHertz * Math.exp((mel - breakMel) * logStep);
}
