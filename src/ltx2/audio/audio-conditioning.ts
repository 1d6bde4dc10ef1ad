import { floatTensor, type HostTensor } from '../../graph/runtime/host-tensor.ts';
import { floats, type Session } from '../../graph/runtime/session.ts';
import type { AudioVaeConfig } from '../config.ts';
import { roundHalfToEven } from '../round-half-to-even.ts';
import { audioLatentCount, latentsOf, melFramesOf, patchifyAudio } from './audio-latents.ts';
import { logMel } from './features/log-mel.ts';
import { resampler } from './features/resample.ts';

/** Stereo sound at its own sample rate. */
export interface StereoSound {
  readonly sampleRate: number;
  /** `[2, samples]`, full scale ±1. */
  readonly waveform: Float32Array;
}

/** The clip the sound goes with. */
export interface ClipLength {
  readonly frames: number;
  readonly fps: number;
}

export interface AudioCondition {
  /** Normalized, `[1, z, Ta, bins]`; Ta is `audioLatentCount(frames, fps)`. */
  readonly latent: HostTensor<'float32'>;
  /** The same as `[1, Ta, z·bins]`. */
  readonly tokens: HostTensor<'float32'>;
}

/**
 * Turns sound into what the transformer sees of it. Sound longer than the clip is cut at its end, shorter sound is
 * followed by silence.
 *
 * @param encoder a session of `audioEncoder`
 */
export async function conditionOnAudio(
  encoder: Session,
  config: AudioVaeConfig,
  sound: StereoSound,
  clip: ClipLength,
): Promise<AudioCondition> {
  const { sampling_rate: rate } = config.model.params;
  const samples = roundHalfToEven((clip.frames / clip.fps) * sound.sampleRate);
  const resample = resampler(sound.sampleRate, rate);
  const [left, right] = splitChannels(sound.waveform).map((channel) => resample(fitted(channel, samples)));
  if (left === undefined || right === undefined) throw new Error('unreachable');
  const mel = logMel(left, right, config);
  const latent = await encodeMel(encoder, mel, audioLatentCount(clip.frames, clip.fps));
  return { latent, tokens: patchifyAudio(latent) };
}

/**
 * Encodes the start of a mel spectrogram `[1, 2, frames, bins]` to `count` normalized latents `[1, z, count, bins/4]`.
 *
 * @param count default: all that the frames give
 */
export async function encodeMel(
  encoder: Session,
  mel: HostTensor<'float32'>,
  count = latentsOf(mel.shape[2] ?? 0),
): Promise<HostTensor<'float32'>> {
  return floats(await encoder.run({ mel: firstFrames(mel, melFramesOf(count)) }), 'latent');
}

/** `[1, channels, frames, bins]` cut to its first `kept` frames. */
function firstFrames(mel: HostTensor<'float32'>, kept: number): HostTensor<'float32'> {
  const [, channels = 0, frames = 0, bins = 0] = mel.shape;
  if (kept > frames) throw new Error(`${kept} of ${frames} mel frames`);
  const data = new Float32Array(channels * kept * bins);
  for (let channel = 0; channel < channels; channel++) {
    const start = channel * frames * bins;
    data.set(mel.data.subarray(start, start + kept * bins), channel * kept * bins);
  }
  return floatTensor(data, [1, channels, kept, bins]);
}

/** `length` samples: cut, or followed by silence. */
function fitted(channel: Float32Array, length: number): Float32Array {
  if (channel.length >= length) return channel.subarray(0, length);
  const padded = new Float32Array(length);
  padded.set(channel);
  return padded;
}

function splitChannels(waveform: Float32Array): Float32Array[] {
  const samples = waveform.length / 2;
  if (!Number.isInteger(samples)) throw new Error(`${waveform.length} samples are not stereo`);
  return [waveform.subarray(0, samples), waveform.subarray(samples)];
}
