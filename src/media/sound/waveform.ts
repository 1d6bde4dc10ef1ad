/** Sound as numbers. */
export interface Waveform {
  /** Samples per second. */
  readonly sampleRate: number;
  readonly channels: number;
  /** Channel-major `[channels, samples]`, full scale ±1. */
  readonly waveform: Float32Array;
}

/** The samples of each channel, as views into `waveform`. */
export function channelsOf(waveform: Float32Array, channels: number): Float32Array[] {
  const length = waveform.length / channels;
  if (!Number.isInteger(length))
    throw new RangeError(`${waveform.length} samples do not divide into ${channels} channels`);
  return Array.from({ length: channels }, (_, channel) => waveform.subarray(channel * length, (channel + 1) * length));
}
