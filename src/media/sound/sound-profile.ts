/** A recording from moment to moment, `1 / profileRate` seconds each. */
export interface SoundProfile {
  /** Seconds of sound. */
  readonly duration: number;
  /** The recording goes on: only its beginning was listened to. */
  readonly isCut: boolean;
  /** Decibels of full scale; -120 for silence. */
  readonly loudness: Float32Array;
  /** How much louder than a moment before, in decibels summed over bands: high where notes, drums and syllables begin. */
  readonly onset: Float32Array;
}

/** Moments of a profile per second. */
export const profileRate = 100;
