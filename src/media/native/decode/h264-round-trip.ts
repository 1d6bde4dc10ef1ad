import { AV_CODEC_ID_H264, AV_PIX_FMT_YUV420P, AVCOL_SPC_SMPTE170M, FF_ENCODER_LIBX264 } from 'node-av/constants';
import { Codec, CodecContext, Dictionary, Frame, Packet, Rational } from 'node-av/lib';
import { check } from '../ffmpeg-status.ts';
import { PictureConverter, rgbPicture } from '../picture-frame.ts';
import type { DecodedPicture } from './image-decode.ts';

/**
 * Encodes a picture as one H.264 frame and decodes it again, so that it carries the compression traces of the frames
 * the model was trained on. Odd sides lose their last column or row, and a picture
 * one pixel wide or high stays as it is. Settings and libswscale's default colors (BT.601)
 * as in the reference pipeline; one thread, hence the same bytes everywhere.
 */
export async function h264RoundTrip(picture: DecodedPicture, crf: number): Promise<DecodedPicture> {
  if (picture.width < 2 || picture.height < 2) return picture;
  const { width, height, rgb } = cropToEven(picture);
  using converter = new PictureConverter('bilinear');
  using source = rgbPicture(rgb, width, height);
  using yuv = await converter.toYuv(source, AV_PIX_FMT_YUV420P, AVCOL_SPC_SMPTE170M);
  yuv.pts = 0n;
  using encoder = await openH264Encoder(width, height, crf);
  using decoder = await openH264Decoder();
  using decoded = new Frame();
  decoded.alloc();
  check(await encoder.sendFrame(yuv), 'encoding the picture');
  check(await encoder.sendFrame(null), 'encoding the picture');
  using packet = new Packet();
  packet.alloc();
  while ((await encoder.receivePacket(packet)) >= 0) {
    check(await decoder.sendPacket(packet), 'decoding the picture');
    packet.unref();
  }
  check(await decoder.sendPacket(null), 'decoding the picture');
  check(await decoder.receiveFrame(decoded), 'decoding the picture');
  decoded.colorSpace = AVCOL_SPC_SMPTE170M;
  using result = await converter.toRgb(decoded);
  return { width, height, rgb: new Uint8Array(result.toBuffer()) };
}

function cropToEven({ width, height, rgb }: DecodedPicture): DecodedPicture {
  const even = { width: width & ~1, height: height & ~1 };
  if (even.width === width) return { ...even, rgb: rgb.subarray(0, even.height * width * 3) };
  const cropped = new Uint8Array(even.width * even.height * 3);
  for (let y = 0; y < even.height; y++) {
    cropped.set(rgb.subarray(y * width * 3, (y * width + even.width) * 3), y * even.width * 3);
  }
  return { ...even, rgb: cropped };
}

async function openH264Encoder(width: number, height: number, crf: number): Promise<CodecContext> {
  const codec = Codec.findEncoderByName(FF_ENCODER_LIBX264);
  const encoder = new CodecContext();
  try {
    encoder.allocContext3(codec);
    encoder.width = width;
    encoder.height = height;
    encoder.pixelFormat = AV_PIX_FMT_YUV420P;
    encoder.timeBase = new Rational(1, 1);
    encoder.framerate = new Rational(1, 1);
    encoder.threadCount = 1;
    using options = Dictionary.fromObject({ preset: 'veryfast', crf });
    check(await encoder.open2(codec, options), 'opening the H.264 encoder');
    return encoder;
  } catch (error) {
    encoder.freeContext();
    throw error;
  }
}

async function openH264Decoder(): Promise<CodecContext> {
  const codec = Codec.findDecoder(AV_CODEC_ID_H264);
  const decoder = new CodecContext();
  try {
    decoder.allocContext3(codec);
    decoder.threadCount = 1;
    check(await decoder.open2(codec, null), 'opening the H.264 decoder');
    return decoder;
  } catch (error) {
    decoder.freeContext();
    throw error;
  }
}
