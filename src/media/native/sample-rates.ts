import { SoundstageError } from '../../shared/errors.ts';

/** The CD's rate for its multiples, 48 kHz for all others. */
export function usualRate(sampleRate: number): 44_100 | 48_000 {
  return sampleRate % 44_100 === 0 ? 44_100 : 48_000;
}

/** Samples per second of recordings that exist: from the oldest sound effects to beyond the finest studio. */
const [minRate, maxRate] = [1000, 1_000_000];

/** Refuses sound whose file claims a rate at which nothing is recorded. */
export function requireUsableRate(sampleRate: number, field: string): void {
  if (sampleRate >= minRate && sampleRate <= maxRate) return;
  const message =
    `The ${field} track has a sample rate of ${sampleRate} Hz, which is outside ${minRate} to ${maxRate} Hz: ` +
    'export the recording again, with 48000 Hz for instance.';
  throw new SoundstageError('input', message, { field });
}
