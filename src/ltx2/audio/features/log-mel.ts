import { floatTensor, type HostTensor } from '../../../graph/runtime/host-tensor.ts';
import type { AudioVaeConfig } from '../../config.ts';
import { fourierTransform } from './fourier-transform.ts';
import { type MelFilter, melFilters } from './mel-filters.ts';

/** Magnitudes below this (−100 dB) count as silence. */
const floor = 1e-5;

/**
 * Logarithmic mel spectrogram of a stereo waveform at the encoder's sample rate: Hann-windowed frames centered on every
 * hop-th sample, the ends mirrored; magnitudes, mel bands, `ln(max(band, 1e-5))`.
 *
 * @param left samples of the first channel; `right` those of the second, equally many
 * @returns `[1, 2, floor(samples/hop)+1, bands]`
 * @throws Error if there are too few samples to mirror (half a window)
 */
export function logMel(left: Float32Array, right: Float32Array, config: AudioVaeConfig): HostTensor<'float32'> {
  const { stft, mel } = config.preprocessing;
  const { filter_length: size, hop_length: hop, win_length: windowLength } = stft;
  if (left.length !== right.length) throw new Error(`channels of ${left.length} and ${right.length} samples`);
  if (left.length <= size / 2) throw new Error(`${left.length} samples are too few for a window of ${size}`);
  const bands = mel.n_mel_channels;
  const scale = { bands, lowest: mel.mel_fmin, highest: mel.mel_fmax };
  const filters = melFilters(scale, size / 2 + 1, config.model.params.sampling_rate);
  const window = periodicHann(windowLength, size);
  const transform = fourierTransform(size);

  const frames = Math.floor(left.length / hop) + 1;
  const logs = new Float32Array(2 * frames * bands);
  const [real, imaginary] = [new Float64Array(size), new Float64Array(size)];
  const [leftMagnitudes, rightMagnitudes] = [new Float64Array(size / 2 + 1), new Float64Array(size / 2 + 1)];
  for (let frame = 0; frame < frames; frame++) {
    const start = frame * hop - size / 2;
    copyWindowed(left, start, window, real);
    copyWindowed(right, start, window, imaginary);
    transform(real, imaginary);
    separateChannels(real, imaginary, leftMagnitudes, rightMagnitudes);
    writeLogBands(leftMagnitudes, filters, logs, frame * bands);
    writeLogBands(rightMagnitudes, filters, logs, (frames + frame) * bands);
  }
  return floatTensor(logs, [1, 2, frames, bands]);
}

/** A periodic Hann window of `length` in the middle of `size` points. */
function periodicHann(length: number, size: number): Float64Array {
  const window = new Float64Array(size);
  const offset = Math.floor((size - length) / 2);
  for (let n = 0; n < length; n++) window[offset + n] = 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / length);
  return window;
}

/** `samples[start …]·window`, mirrored about the first and the last sample. */
function copyWindowed(samples: Float32Array, start: number, window: Float64Array, into: Float64Array): void {
  const last = samples.length - 1;
  for (let n = 0; n < into.length; n++) {
    let at = Math.abs(start + n);
    if (at > last) at = 2 * last - at;
    into[n] = (samples[at] as number) * (window[n] as number);
  }
}

/**
 * Magnitudes of two real signals from the transform Z of `left + i·right`: the spectra are the parts of Z that are
 * symmetric and antisymmetric under conjugation and reversal.
 */
function separateChannels(real: Float64Array, imaginary: Float64Array, left: Float64Array, right: Float64Array): void {
  for (let k = 0; k < left.length; k++) {
    const mirror = (real.length - k) % real.length;
    const a = real[k] as number;
    const b = imaginary[k] as number;
    const c = real[mirror] as number;
    const d = imaginary[mirror] as number;
    left[k] = Math.sqrt((a + c) * (a + c) + (b - d) * (b - d)) / 2;
    right[k] = Math.sqrt((b + d) * (b + d) + (c - a) * (c - a)) / 2;
  }
}

function writeLogBands(magnitudes: Float64Array, filters: readonly MelFilter[], into: Float32Array, at: number): void {
  filters.forEach(({ firstBin, weights }, band) => {
    let sum = 0;
    for (let n = 0; n < weights.length; n++) sum += (weights[n] as number) * (magnitudes[firstBin + n] as number);
    into[at + band] = Math.log(Math.max(sum, floor));
  });
}
