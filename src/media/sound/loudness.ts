import { elementAt } from '../../shared/element-at.ts';
import { kWeighting } from './k-weighting.ts';
import { channelsOf } from './waveform.ts';

const blockSeconds = 0.4;
/** Blocks overlap by three quarters. */
const stepsPerBlock = 4;
const absoluteGate = -70;
const relativeGate = -10;

/**
 * Integrated loudness of mono or stereo sound, ITU-R BS.1770-4: K-weighting, 400 ms blocks, gates at −70 LUFS and 10 LU
 * below the mean.
 *
 * @param waveform `[channels, samples]`
 * @returns LUFS; −∞ when no block reaches the gate. Sound shorter than a block counts as one block.
 */
export function integratedLoudness(waveform: Float32Array, channels: 1 | 2, sampleRate: number): number {
  const powers = blockPowers(waveform, channels, sampleRate).filter((power) => toLufs(power) > absoluteGate);
  const threshold = toLufs(mean(powers)) + relativeGate;
  return toLufs(mean(powers.filter((power) => toLufs(power) > threshold)));
}

/** Mean square of each block, summed over channels. */
function blockPowers(waveform: Float32Array, channels: number, sampleRate: number): number[] {
  const length = waveform.length / channels;
  const step = Math.max(1, Math.round((blockSeconds * sampleRate) / stepsPerBlock));
  const stepEnergies = new Float64Array(Math.floor(length / step));
  let total = 0;
  for (const samples of channelsOf(waveform, channels)) {
    const weighted = kWeighting(sampleRate);
    for (let index = 0; index < length; index++) {
      const value = weighted(elementAt(samples, index));
      total += value * value;
      const stepIndex = Math.floor(index / step);
      if (stepIndex < stepEnergies.length) stepEnergies[stepIndex] = elementAt(stepEnergies, stepIndex) + value * value;
    }
  }
  if (stepEnergies.length < stepsPerBlock) return length === 0 ? [] : [total / length];
  const powers: number[] = [];
  for (let first = 0; first + stepsPerBlock <= stepEnergies.length; first++) {
    const energy = stepEnergies.subarray(first, first + stepsPerBlock).reduce((sum, part) => sum + part, 0);
    powers.push(energy / (step * stepsPerBlock));
  }
  return powers;
}

function toLufs(power: number): number {
  return -0.691 + 10 * Math.log10(power);
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
