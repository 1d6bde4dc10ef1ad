import { avChannelLayoutDefault, Codec, CodecContext, Dictionary, Rational } from 'node-av/lib';
import { check } from '../../ffmpeg-status.ts';
import type { AudioCodec } from './audio-codec.ts';

/** Opens an audio encoder with one time unit per sample. The caller frees it. */
export async function openAudioEncoder(settings: AudioCodec, globalHeader: boolean): Promise<CodecContext> {
  const codec = Codec.findEncoderByName(settings.encoder);
  const encoder = new CodecContext();
  try {
    encoder.allocContext3(codec);
    encoder.sampleFormat = settings.sampleFormat;
    encoder.sampleRate = settings.sampleRate;
    encoder.channelLayout = avChannelLayoutDefault(settings.channels);
    encoder.timeBase = new Rational(1, settings.sampleRate);
    if (settings.bitRate !== undefined) encoder.bitRate = BigInt(settings.bitRate);
    using options = Dictionary.fromObject({ flags: globalHeader ? '+bitexact+global_header' : '+bitexact' });
    check(await encoder.open2(codec, options), `opening the encoder ${settings.encoder}`);
    return encoder;
  } catch (error) {
    encoder.freeContext();
    throw error;
  }
}
