import { AV_PIX_FMT_RGB24, AV_PIX_FMT_RGBA, type AVCodecID } from 'node-av/constants';
import { Codec, CodecContext, Dictionary, Frame, Packet } from 'node-av/lib';
import { check } from '../ffmpeg-status.ts';
import { PictureConverter } from '../picture-frame.ts';
import type { PictureSize } from './decode-methods.ts';

/** One picture as a codec wrote it. */
export interface CodedPicture {
  readonly codec: AVCodecID;
  readonly content: Buffer;
  /** What the codec has to know before it. */
  readonly extraData?: Buffer;
}

/** No picture with more is decoded. */
export const maxPixels = 64_000_000;

/**
 * Decodes one picture with FFmpeg.
 *
 * @param prepare may correct what the frame says about its colors
 * @returns `[height, width, 3]` for `rgb`, `[height, width, 4]` for `rgba`
 */
export async function decodeStill(
  { codec: id, content, extraData }: CodedPicture,
  channels: 'rgb' | 'rgba',
  prepare: (frame: Frame) => void = () => {},
): Promise<PictureSize & { readonly pixels: Uint8Array }> {
  using decoder = new CodecContext();
  const codec = Codec.findDecoder(id);
  decoder.allocContext3(codec);
  decoder.threadCount = 1;
  if (extraData !== undefined) decoder.extraData = extraData;
  using options = Dictionary.fromObject({ max_pixels: maxPixels, err_detect: 'explode' });
  check(await decoder.open2(codec, options), 'opening the decoder of the picture');
  using packet = new Packet();
  packet.alloc();
  packet.data = content;
  check(await decoder.sendPacket(packet), 'decoding the picture');
  check(await decoder.sendPacket(null), 'decoding the picture');
  using frame = new Frame();
  frame.alloc();
  check(await decoder.receiveFrame(frame), 'decoding the picture');
  prepare(frame);
  using converter = new PictureConverter('bicubic+accurate_rnd+full_chroma_int+full_chroma_inp');
  using converted = await converter.toRgb(frame, channels === 'rgb' ? AV_PIX_FMT_RGB24 : AV_PIX_FMT_RGBA);
  return { width: converted.width, height: converted.height, pixels: new Uint8Array(converted.toBuffer()) };
}
