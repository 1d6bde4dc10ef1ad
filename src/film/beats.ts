import { elementAt } from '../shared/element-at.ts';

/** Beats per minute that are looked for; people tap to most music at about 120. */
const tempos = { slowest: 60, usual: 120, fastest: 200 } as const;
/** How much likelier the usual tempo is than one an octave away: the width of a bell curve over octaves. */
const octaves = 0.9;
/** How much an uneven distance between beats counts against how loud they begin (Ellis 2007). */
const evenness = 100;

/**
 * Beats of music, as indices of moments: the tempo at which its beginnings repeat, and of all rows of moments at about that
 * distance the one with the strongest beginnings (D. Ellis, Beat Tracking by Dynamic Programming, 2007).
 *
 * @param onset strength of beginnings, a value for each moment
 * @param rate moments per second
 * @returns none where nothing repeats
 */
export function findBeats(onset: Float32Array, rate: number): readonly number[] {
  const strength = normalized(onset);
  const period = strength && beatPeriod(strength, rate);
  return period === undefined ? [] : beatRow(strength ?? new Float32Array(), period);
}

/** Smoothed over 50 ms and divided by its deviation; undefined where nothing begins. */
function normalized(onset: Float32Array): Float32Array | undefined {
  const kernel = [0.25, 0.75, 1, 0.75, 0.25];
  const smooth = onset.map((_, at) =>
    kernel.reduce((sum, weight, index) => sum + weight * (onset[at + index - 2] ?? 0), 0),
  );
  const mean = smooth.reduce((sum, value) => sum + value, 0) / Math.max(1, smooth.length);
  const deviation = Math.sqrt(smooth.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, smooth.length));
  return deviation < 1e-6 ? undefined : smooth.map((value) => value / deviation);
}

/** Moments from beat to beat: where the autocorrelation, weighed by how usual the tempo is, is highest. */
function beatPeriod(strength: Float32Array, rate: number): number | undefined {
  const lags = { min: Math.round((60 * rate) / tempos.fastest), max: Math.round((60 * rate) / tempos.slowest) };
  const mean = strength.reduce((sum, value) => sum + value, 0) / strength.length;
  let best: { readonly lag: number; readonly score: number } | undefined;
  for (let lag = lags.min; lag <= Math.min(lags.max, strength.length / 2); lag++) {
    let sum = 0;
    for (let at = lag; at < strength.length; at++) {
      sum += (elementAt(strength, at) - mean) * (elementAt(strength, at - lag) - mean);
    }
    const tempo = (60 * rate) / lag;
    const weight = Math.exp(-0.5 * (Math.log2(tempo / tempos.usual) / octaves) ** 2);
    const score = (sum / (strength.length - lag)) * weight;
    if (score > (best?.score ?? 0)) best = { lag, score };
  }
  return best?.lag;
}

function beatRow(strength: Float32Array, period: number): readonly number[] {
  const score = Float64Array.from(strength);
  const before = new Int32Array(strength.length).fill(-1);
  for (let at = 0; at < strength.length; at++) {
    for (let distance = Math.round(period / 2); distance <= Math.min(at, 2 * period); distance++) {
      const previous = elementAt(score, at - distance) - evenness * Math.log(distance / period) ** 2;
      if (before[at] === -1 ? previous > 0 : previous + elementAt(strength, at) > elementAt(score, at)) {
        score[at] = previous + elementAt(strength, at);
        before[at] = at - distance;
      }
    }
  }
  // The best end within the last period, and from there back.
  let last = strength.length - 1;
  for (let at = Math.max(0, strength.length - period); at < strength.length; at++) {
    if (elementAt(score, at) > elementAt(score, last)) last = at;
  }
  const beats: number[] = [];
  for (let at = last; at >= 0; at = elementAt(before, at)) beats.push(at);
  return beats.reverse();
}
