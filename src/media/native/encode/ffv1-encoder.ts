import { AV_PIX_FMT_BGR0, FF_ENCODER_FFV1 } from 'node-av/constants';
import { Codec, CodecContext, Dictionary, Rational } from 'node-av/lib';
import type { Rational as Ratio } from '../../media-info.ts';
import { check } from '../ffmpeg-status.ts';

export interface Ffv1Settings {
  readonly width: number;
  readonly height: number;
  readonly timeBase: Ratio;
}

/** Opens an encoder that keeps pictures (bgr0) to the bit, each by itself and with a checksum. The caller frees it. */
export async function openFfv1Encoder({ width, height, timeBase }: Ffv1Settings): Promise<CodecContext> {
  const codec = Codec.findEncoderByName(FF_ENCODER_FFV1);
  const encoder = new CodecContext();
  try {
    encoder.allocContext3(codec);
    encoder.width = width;
    encoder.height = height;
    encoder.pixelFormat = AV_PIX_FMT_BGR0;
    encoder.timeBase = Rational.fromObject(timeBase);
    // The bytes depend on the number of threads: the same on every machine.
    encoder.threadCount = 4;
    using options = Dictionary.fromObject({ level: 3, slicecrc: 1, g: 1, flags: '+bitexact' });
    check(await encoder.open2(codec, options), 'opening the FFV1 encoder');
    return encoder;
  } catch (error) {
    encoder.freeContext();
    throw error;
  }
}
