import type { HostTensor } from '../../graph/runtime/host-tensor.ts';
import { floats, type Session } from '../../graph/runtime/session.ts';
import type { VocoderConfig } from '../config.ts';
import type { StereoSound } from './audio-conditioning.ts';

export interface DecodedAudio extends StereoSound {
  /** `[1, 2, 4·Ta−3, bins]`. */
  readonly mel: HostTensor<'float32'>;
}

/**
 * Makes sound from a latent `[1, z, Ta, bins]`: `(4·Ta − 3)` mel frames of 10 ms each, a little less than the clip.
 *
 * @param decoder a session of `audioDecoder`
 * @param vocoder a session of `vocoder`
 */
export async function decodeAudio(
  decoder: Session,
  vocoder: Session,
  config: VocoderConfig,
  latent: HostTensor<'float32'>,
): Promise<DecodedAudio> {
  const mel = floats(await decoder.run({ latent }), 'mel');
  const waveform = floats(await vocoder.run({ mel }), 'waveform');
  return { mel, sampleRate: config.output_sampling_rate, waveform: waveform.data };
}
