import { elementAt } from '../../shared/element-at.ts';
import { integratedLoudness } from './loudness.ts';
import { limitPeaks } from './peak-limiter.ts';
import { channelsOf } from './waveform.ts';

export interface ConditioningAudioOptions {
  /** Length of the clip; longer sound is cut, shorter sound stays as it is. */
  readonly seconds: number;
  /** Loudness to bring the sound to. Default −23 LUFS (EBU R 128). */
  readonly loudness?: number | undefined;
  /** Seed of the noise. Default 0. */
  readonly seed?: number | undefined;
}

const defaultLoudness = -23;
/** More would turn the hiss of a silent recording into its content. */
const maxGain = 30;
const peakCeiling = -1;
const noiseFloor = -60;

/**
 * Prepares the copy of a recording that conditions the model: trimmed to the clip, without DC offset, at −23 LUFS, peaks
 * at most −1 dBFS, over noise of −60 dBFS, because very clean speech otherwise yields still lips. Silence becomes noise.
 *
 * @param stereo `[2, samples]`; left as it is.
 * @returns `[2, samples]`
 */
export function preprocessConditioningAudio(
  stereo: Float32Array,
  sampleRate: number,
  { seconds, loudness = defaultLoudness, seed = 0 }: ConditioningAudioOptions,
): Float32Array {
  const output = trimmed(stereo, Math.round(seconds * sampleRate));
  for (const samples of channelsOf(output, 2)) removeOffset(samples);
  const measured = integratedLoudness(output, 2, sampleRate);
  if (Number.isFinite(measured)) scale(output, amplitude(Math.min(maxGain, loudness - measured)));
  limitPeaks(output, 2, sampleRate, amplitude(peakCeiling));
  addNoiseFloor(output, amplitude(noiseFloor), seed);
  return output;
}

function trimmed(stereo: Float32Array, maxLength: number): Float32Array {
  const length = Math.min(stereo.length / 2, maxLength);
  const output = new Float32Array(length * 2);
  for (const [channel, samples] of channelsOf(stereo, 2).entries()) {
    output.set(samples.subarray(0, length), channel * length);
  }
  return output;
}

function removeOffset(samples: Float32Array): void {
  if (samples.length === 0) return;
  const offset = samples.reduce((sum, value) => sum + value, 0) / samples.length;
  for (let index = 0; index < samples.length; index++) samples[index] = elementAt(samples, index) - offset;
}

function scale(samples: Float32Array, gain: number): void {
  for (let index = 0; index < samples.length; index++) samples[index] = elementAt(samples, index) * gain;
}

/** Decibels to a factor. */
function amplitude(decibels: number): number {
  return 10 ** (decibels / 20);
}

/**
 * Adds faint noise to sound, in place. The noise is nearly Gaussian, depends on nothing but the seed and the number of
 * samples, and is made of arithmetic that is exact on every machine.
 *
 * @param level Root mean square of the noise, full scale 1.
 */
function addNoiseFloor(waveform: Float32Array, level: number, seed: number): void {
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
