import {
  AV_SAMPLE_FMT_FLT,
  AV_SAMPLE_FMT_FLTP,
  AV_SAMPLE_FMT_S16,
  AV_SAMPLE_FMT_S32,
  type AVSampleFormat,
  FF_ENCODER_AAC,
  FF_ENCODER_LIBOPUS,
  FF_ENCODER_PCM_S16LE,
  FF_ENCODER_PCM_S24LE,
  type FFEncoderCodec,
} from 'node-av/constants';
import { usualRate } from '../../sample-rates.ts';
import type { MovieType } from '../video-codec.ts';

/** How the sound of a movie is encoded when it cannot be copied. */
export interface AudioCodec {
  readonly encoder: FFEncoderCodec;
  readonly sampleFormat: AVSampleFormat;
  readonly sampleRate: number;
  readonly channels: 1 | 2;
  /** Bits per second; PCM has none to choose. */
  readonly bitRate: number | undefined;
}

export interface AudioTraits {
  readonly sampleRate: number;
  readonly channels: number;
  /** Resolution worth keeping. */
  readonly bits: 16 | 24;
}

/** Sample rates of AAC (ISO 14496-3, sampling frequency index) that phones play: not 64, 88.2, 96 and 7.35 kHz. */
const aacRates = [48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000];

/** PCM of other rates is refused by players. */
const [minPcmRate, maxPcmRate] = [8000, 192_000];

/** Mono stays mono; more than two channels become stereo. */
export function audioCodec(type: MovieType, { sampleRate, channels, bits }: AudioTraits): AudioCodec {
  const kept = channels === 1 ? 1 : 2;
  switch (type) {
    case 'X264 (.mp4)':
      return {
        encoder: FF_ENCODER_AAC,
        sampleFormat: AV_SAMPLE_FMT_FLTP,
        sampleRate: aacRates.includes(sampleRate) ? sampleRate : usualRate(sampleRate),
        channels: kept,
        bitRate: kept === 1 ? 128_000 : 192_000,
      };
    case 'VP9 (.webm)':
      return {
        encoder: FF_ENCODER_LIBOPUS,
        sampleFormat: AV_SAMPLE_FMT_FLT,
        sampleRate: 48_000,
        channels: kept,
        bitRate: kept === 1 ? 96_000 : 160_000,
      };
    case 'PRORES4444 (.mov)':
      return {
        encoder: bits === 24 ? FF_ENCODER_PCM_S24LE : FF_ENCODER_PCM_S16LE,
        sampleFormat: bits === 24 ? AV_SAMPLE_FMT_S32 : AV_SAMPLE_FMT_S16,
        sampleRate: sampleRate >= minPcmRate && sampleRate <= maxPcmRate ? sampleRate : usualRate(sampleRate),
        channels: kept,
        bitRate: undefined,
      };
  }
}
