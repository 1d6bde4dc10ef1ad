import { fourierTransform } from '../../../src/ltx2/audio/features/fourier-transform.ts';
import { elementAt } from '../../../src/shared/element-at.ts';
import { bandCount } from '../../world/draw.ts';

/** Sample rate of everything that is measured in sound. */
export const soundRate = 16_000;

const hop = 160;
const window = 640;
/** Over a fifth of a second, as mouths in the drawings follow it. */
const smoothing = 21;
/** Decibels below full scale that count as silence, and the range up to the loudest. */
const [silence, range] = [-48, 28];
const shape = Float64Array.from({ length: window }, (_, at) => 0.5 - 0.5 * Math.cos((2 * Math.PI * at) / (window - 1)));
const shapeEnergy = shape.reduce((sum, weight) => sum + weight * weight, 0);
/** The level to which loud parts are brought before they are measured. */
const level = 10 ** (-23 / 20);

/**
 * How loud a sound is at the middle of each frame, 0…1 in decibels: windows of 40 ms without what is below 75 Hz,
 * smoothed, relative to the sound's own level.
 *
 * @param samples one channel at 16 kHz; silence follows its end
 */
export function loudnessPerFrame(samples: Float32Array, frames: number, fps: number): number[] {
  const leveled = toLevel(highPassed(samples));
  const count = Math.floor(samples.length / hop) + 1;
  const decibels = Array.from({ length: count }, (_, index) => {
    let energy = 0;
    for (let at = 0; at < window; at++) {
      const value = (leveled[index * hop - window / 2 + at] ?? 0) * elementAt(shape, at);
      energy += value * value;
    }
    return Math.min(1, Math.max(0, (10 * Math.log10(energy / shapeEnergy + 1e-9) - silence) / range));
  });
  const smooth = smoothed(decibels);
  return Array.from({ length: frames }, (_, frame) => interpolated(smooth, (((frame + 0.5) / fps) * soundRate) / hop));
}

/** Decibels below full scale that count as silence in a band, the range above, and the bands' limits in hertz. */
const [bandSilence, bandRange, minHertz, maxHertz] = [-55, 35, 80, 7000];
/** The window, with zeros up to a power of two. */
const transformLength = 1024;

/** The same for eight bands of pitch, low to high, `[frames][8]`: what the bars of a skyline follow. */
export function bandsPerFrame(samples: Float32Array, frames: number, fps: number): number[][] {
  const leveled = toLevel(samples);
  const transform = fourierTransform(transformLength);
  const perHop = Array.from({ length: Math.floor(samples.length / hop) + 1 }, (_, index) => {
    const [real, imaginary] = [new Float64Array(transformLength), new Float64Array(transformLength)];
    for (let at = 0; at < window; at++) {
      real[at] = (leveled[index * hop - window / 2 + at] ?? 0) * elementAt(shape, at);
    }
    transform(real, imaginary);
    return Array.from({ length: bandCount }, (_, band) => bandLevel(real, imaginary, band));
  });
  const smooth = Array.from({ length: bandCount }, (_, band) =>
    smoothed(perHop.map((levels) => elementAt(levels, band))),
  );
  return Array.from({ length: frames }, (_, frame) =>
    smooth.map((levels) => interpolated(levels, (((frame + 0.5) / fps) * soundRate) / hop)),
  );
}

/** 0…1, from a spectrum. */
function bandLevel(real: Float64Array, imaginary: Float64Array, band: number): number {
  const bin = (edge: number): number =>
    Math.ceil((minHertz * (maxHertz / minHertz) ** (edge / bandCount) * transformLength) / soundRate);
  let power = 0;
  for (let at = bin(band); at < bin(band + 1); at++) power += elementAt(real, at) ** 2 + elementAt(imaginary, at) ** 2;
  const decibels = 10 * Math.log10((2 * power) / (transformLength * shapeEnergy) + 1e-9);
  return Math.min(1, Math.max(0, (decibels - bandSilence) / bandRange));
}

/** Scales a sound so that its loud parts are at −23 dB. */
export function toLevel(samples: Float32Array): Float32Array {
  const block = 400;
  const roots = Array.from({ length: Math.floor(samples.length / block) }, (_, index) => {
    const part = samples.subarray(index * block, (index + 1) * block);
    return Math.sqrt(part.reduce((sum, value) => sum + value * value, 0) / block);
  });
  const loudest = Math.max(0, ...roots);
  if (loudest < 1e-5) return samples;
  const active = roots.filter((root) => root > 0.1 * loudest);
  const root = Math.sqrt(active.reduce((sum, value) => sum + value * value, 0) / active.length);
  return samples.map((value) => Math.min(1, Math.max(-1, (value * level) / root)));
}

/** One pole at 75 Hz. */
function highPassed(samples: Float32Array): Float32Array {
  const keep = Math.exp((-2 * Math.PI * 75) / soundRate);
  let [before, output] = [0, 0];
  return samples.map((value) => {
    output = keep * (output + value - before);
    before = value;
    return output;
  });
}

function smoothed(values: readonly number[]): number[] {
  const weights = Array.from(
    { length: smoothing },
    (_, at) => 0.5 - 0.5 * Math.cos((2 * Math.PI * at) / (smoothing - 1)),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const middle = (smoothing - 1) / 2;
  return values.map(
    (_, index) => weights.reduce((sum, weight, at) => sum + weight * (values[index + at - middle] ?? 0), 0) / total,
  );
}

function interpolated(values: readonly number[], at: number): number {
  const first = Math.floor(at);
  const from = values[first] ?? 0;
  return from + ((values[first + 1] ?? from) - from) * (at - first);
}
