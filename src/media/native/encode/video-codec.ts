import {
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUVA444P10LE,
  AVCHROMA_LOC_LEFT,
  AVCHROMA_LOC_UNSPECIFIED,
  AVCOL_PRI_BT709,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_BT709,
  AVCOL_TRC_BT709,
  type AVPixelFormat,
  FF_ENCODER_LIBVPX_VP9,
  FF_ENCODER_LIBX264,
  FF_ENCODER_PRORES_KS,
  type FFEncoderCodec,
} from 'node-av/constants';
import { Codec, CodecContext, Dictionary, Rational } from 'node-av/lib';
import type { VideoOutputType, VideoQuality, VideoWriteMode } from '../../video-settings.ts';
import { check } from '../ffmpeg-status.ts';

export type MovieType = Exclude<VideoOutputType, 'GIF (.gif)'>;

/** Everything that tells one kind of movie file from another. */
export interface MovieFormat {
  /** FFmpeg's name of the container. */
  readonly container: string;
  readonly muxerOptions: Record<string, string>;
  readonly encoder: FFEncoderCodec;
  readonly pixelFormat: AVPixelFormat;
  options(quality: VideoQuality, writeMode: VideoWriteMode): Record<string, string | number>;
}

// An encoder's output may depend on its number of threads: the same on every machine, however many cores it has.
const threads = 8;
/** At one rate factor a slower x264 preset looks better and is often larger; this keeps `small` smaller than `fast`. */
const crfOffset: Record<VideoWriteMode, number> = { fast: -1, balanced: 0, small: 1 };
/** FFmpeg's FF_QP2LAMBDA: the unit of `global_quality`. */
const lambdaPerQp = 118;

const movieFormats: Record<MovieType, MovieFormat> = {
  'X264 (.mp4)': {
    container: 'mp4',
    muxerOptions: { movflags: '+faststart' },
    encoder: FF_ENCODER_LIBX264,
    pixelFormat: AV_PIX_FMT_YUV420P,
    options: (quality, writeMode) => ({
      crf: { low: 28, medium: 23, high: 19, maximum: 14 }[quality] + crfOffset[writeMode],
      preset: { fast: 'veryfast', balanced: 'medium', small: 'slower' }[writeMode],
      threads,
    }),
  },
  'VP9 (.webm)': {
    container: 'webm',
    muxerOptions: {},
    encoder: FF_ENCODER_LIBVPX_VP9,
    pixelFormat: AV_PIX_FMT_YUV420P,
    options: (quality, writeMode) => ({
      crf: { low: 40, medium: 33, high: 26, maximum: 16 }[quality],
      b: 0,
      'row-mt': 1,
      'tile-columns': 2,
      threads,
      ...{
        fast: { deadline: 'realtime', 'cpu-used': 8, 'lag-in-frames': 0, 'auto-alt-ref': 0 },
        balanced: { deadline: 'good', 'cpu-used': 4 },
        small: { deadline: 'good', 'cpu-used': 1 },
      }[writeMode],
    }),
  },
  'PRORES4444 (.mov)': {
    container: 'mov',
    muxerOptions: { movflags: '+faststart' },
    encoder: FF_ENCODER_PRORES_KS,
    pixelFormat: AV_PIX_FMT_YUVA444P10LE,
    options: (quality, writeMode) => ({
      profile: 4,
      vendor: 'apl0',
      bits_per_mb: 8000,
      flags: '+qscale',
      global_quality: { low: 16, medium: 10, high: 6, maximum: 2 }[quality] * lambdaPerQp,
      alpha_bits: writeMode === 'small' ? 0 : 8,
      threads,
    }),
  },
};

export function movieFormat(type: MovieType): MovieFormat {
  return movieFormats[type];
}

export interface VideoCodecSettings {
  readonly width: number;
  readonly height: number;
  readonly fps: Rational;
  readonly quality: VideoQuality;
  readonly writeMode: VideoWriteMode;
  readonly globalHeader: boolean;
}

/** Opens the encoder of a movie format, tagged BT.709, with one time unit per frame. The caller frees it. */
export async function openVideoEncoder(format: MovieFormat, settings: VideoCodecSettings): Promise<CodecContext> {
  const codec = Codec.findEncoderByName(format.encoder);
  const encoder = new CodecContext();
  try {
    encoder.allocContext3(codec);
    encoder.width = settings.width;
    encoder.height = settings.height;
    encoder.pixelFormat = format.pixelFormat;
    encoder.timeBase = settings.fps.inv();
    encoder.framerate = settings.fps;
    encoder.sampleAspectRatio = new Rational(1, 1);
    tagBt709(encoder, format.pixelFormat);
    const { flags = '', ...options } = format.options(settings.quality, settings.writeMode);
    const allFlags = `${flags}+bitexact${settings.globalHeader ? '+global_header' : ''}`;
    using dictionary = Dictionary.fromObject({ ...options, flags: allFlags });
    check(await encoder.open2(codec, dictionary), `opening the encoder ${format.encoder}`);
    return encoder;
  } catch (error) {
    encoder.freeContext();
    throw error;
  }
}

function tagBt709(encoder: CodecContext, pixelFormat: AVPixelFormat): void {
  encoder.colorSpace = AVCOL_SPC_BT709;
  encoder.colorPrimaries = AVCOL_PRI_BT709;
  encoder.colorTrc = AVCOL_TRC_BT709;
  encoder.colorRange = AVCOL_RANGE_MPEG;
  encoder.chromaLocation = pixelFormat === AV_PIX_FMT_YUV420P ? AVCHROMA_LOC_LEFT : AVCHROMA_LOC_UNSPECIFIED;
}
