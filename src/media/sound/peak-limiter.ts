import { elementAt } from '../../shared/element-at.ts';
import { channelsOf } from './waveform.ts';

const lookAheadSeconds = 0.005;

/**
 * Turns sound down around every peak over `ceiling`, in place: over 5 ms before and after, all channels alike. No
 * sample is over the ceiling afterwards, and sound without such peaks is left as it is.
 *
 * @param waveform `[channels, samples]`
 * @param ceiling Largest magnitude allowed.
 */
export function limitPeaks(waveform: Float32Array, channels: number, sampleRate: number, ceiling: number): void {
  const planes = channelsOf(waveform, channels);
  const wanted = new Float64Array(waveform.length / channels).fill(1);
  let over = false;
  for (const samples of planes) {
    for (let index = 0; index < samples.length; index++) {
      const magnitude = Math.abs(elementAt(samples, index));
      if (magnitude <= ceiling) continue;
      over = true;
      wanted[index] = Math.min(elementAt(wanted, index), ceiling / magnitude);
    }
  }
  if (!over) return;
  // The mean over a window of a minimum over the same window never exceeds what its center wants.
  const reach = Math.max(1, Math.round(lookAheadSeconds * sampleRate));
  const gains = slidingMean(slidingMinimum(wanted, reach), reach);
  for (const samples of planes) {
    for (let index = 0; index < samples.length; index++) {
      const limited = elementAt(samples, index) * elementAt(gains, index);
      // Single precision may round up past the ceiling.
      samples[index] = Math.max(-ceiling, Math.min(ceiling, limited));
    }
  }
}

/** Minimum of the `reach` values before and after each value and the value itself. */
function slidingMinimum(values: Float64Array, reach: number): Float64Array {
  const output = new Float64Array(values.length);
  // Indices of ever larger values: the first is the minimum of the window.
  const candidates = new Int32Array(values.length);
  let head = 0;
  let tail = 0;
  for (let entering = 0; entering < values.length + reach; entering++) {
    if (entering < values.length) {
      while (tail > head && elementAt(values, elementAt(candidates, tail - 1)) >= elementAt(values, entering)) tail--;
      candidates[tail++] = entering;
    }
    const center = entering - reach;
    if (center < 0) continue;
    while (elementAt(candidates, head) < center - reach) head++;
    output[center] = elementAt(values, elementAt(candidates, head));
  }
  return output;
}

/** Mean of the `reach` values before and after each value and the value itself; beyond the ends is 1. */
function slidingMean(values: Float64Array, reach: number): Float64Array {
  const output = new Float64Array(values.length);
  const at = (index: number): number => values[index] ?? 1;
  let sum = 0;
  for (let index = -reach; index < reach; index++) sum += at(index);
  for (let center = 0; center < values.length; center++) {
    sum += at(center + reach);
    output[center] = sum / (2 * reach + 1);
    sum -= at(center - reach);
  }
  return output;
}
