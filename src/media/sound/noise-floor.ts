import { elementAt } from '../../shared/element-at.ts';

/**
 * Adds faint noise to sound, in place. The noise is nearly Gaussian, depends on nothing but the seed and the number of
 * samples, and is made of arithmetic that is exact on every machine.
 *
 * @param level Root mean square of the noise, full scale 1.
 */
export function addNoiseFloor(waveform: Float32Array, level: number, seed: number): void {
  const random = uniformNumbers(seed);
  // Three uniform numbers from −1 to 1 have a sum of variance 1.
  for (let index = 0; index < waveform.length; index++) {
    waveform[index] = elementAt(waveform, index) + level * (random() + random() + random());
  }
}

/** Numbers from −1 to 1: mulberry32, by Tommy Ettinger. */
function uniformNumbers(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}
