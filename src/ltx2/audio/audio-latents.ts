import { floatTensor, type HostTensor } from '../../graph/runtime/host-tensor.ts';
import type { Checkpoint } from '../../graph/weights/checkpoint.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { type AudioVaeConfig, configOf } from '../config.ts';
import { roundHalfToEven } from '../round-half-to-even.ts';

// The transformer's positions are tied to these, whatever the autoencoder's configuration says.
const sampleRate = 16_000;
const hopLength = 160;
/** Mel frames per latent after the first, which stands for one frame alone. */
const melFramesPerLatent = 4;

const audioLatentsPerSecond = sampleRate / hopLength / melFramesPerLatent;

/** Audio latents that go with `frames` of video: `frames/fps · 25`, rounded half to even. */
export function audioLatentCount(frames: number, fps: number): number {
  return roundHalfToEven((frames / fps) * audioLatentsPerSecond);
}

/** When a latent begins, in seconds of the sound: 0, 0.01, 0.05, 0.09, … */
export function audioLatentSeconds(latent: number): number {
  return (latentStart(latent) * hopLength) / sampleRate;
}

/** First mel frame of a latent. */
function latentStart(latent: number): number {
  return Math.max(0, (latent - 1) * melFramesPerLatent + 1);
}

/** Mel frames that `latents` stand for; the encoder reads, and the decoder returns, exactly these. */
export function melFramesOf(latents: number): number {
  return latentStart(latents);
}

/** Latents the encoder makes of `melFrames` frames. */
export function latentsOf(melFrames: number): number {
  return Math.ceil(melFrames / melFramesPerLatent);
}

/** `[1, z, count, bins]` → tokens `[1, count, z·bins]`, channel-major. */
export function patchifyAudio(latent: HostTensor<'float32'>): HostTensor<'float32'> {
  const [, channels = 0, count = 0, bins = 0] = latent.shape;
  const tokens = new Float32Array(latent.data.length);
  moveRows(latent.data, tokens, { outer: channels, inner: count, row: bins });
  return floatTensor(tokens, [1, count, channels * bins]);
}

/** Tokens `[1, count, z·bins]` → `[1, z, count, bins]`. */
export function unpatchifyAudio(tokens: HostTensor<'float32'>, channels: number): HostTensor<'float32'> {
  const [, count = 0, width = 0] = tokens.shape;
  const bins = width / channels;
  const latent = new Float32Array(tokens.data.length);
  moveRows(tokens.data, latent, { outer: count, inner: channels, row: bins });
  return floatTensor(latent, [1, channels, count, bins]);
}

/** `[outer, inner, row]` → `[inner, outer, row]`. */
function moveRows(
  from: Float32Array,
  to: Float32Array,
  { outer, inner, row }: { readonly outer: number; readonly inner: number; readonly row: number },
): void {
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < inner; j++) {
      const start = (i * inner + j) * row;
      to.set(from.subarray(start, start + row), (j * outer + i) * row);
    }
  }
}

/** Mel frames per latent, and mel bands per latent band. */
export function latentStride(config: AudioVaeConfig): number {
  return 2 ** (config.model.params.ddconfig.ch_mult.length - 1);
}

/**
 * The configuration of a bundle's audio autoencoder.
 *
 * @throws SoundstageError `weights` if its latents do not come at the rate the transformer expects
 */
export function audioVaeConfigOf(checkpoint: Checkpoint): AudioVaeConfig {
  const config = configOf(checkpoint, 'audio_vae');
  const perLatent = latentStride(config);
  const perSecond = config.model.params.sampling_rate / config.preprocessing.stft.hop_length / perLatent;
  if (perLatent === melFramesPerLatent && perSecond === audioLatentsPerSecond) return config;
  throw new SoundstageError(
    'weights',
    `${checkpoint.path} makes ${perSecond} audio latents per second of ${perLatent} mel frames each; ` +
      `only ${audioLatentsPerSecond} of ${melFramesPerLatent} are supported`,
  );
}
