import { AVMEDIA_TYPE_VIDEO } from 'node-av/constants';
import { Codec, CodecContext, Frame } from 'node-av/lib';
import { check } from '../ffmpeg-status.ts';
import { PictureConverter } from '../picture-frame.ts';
import { MediaInput } from './media-input.ts';

export interface VideoFrame {
  /** Seconds */
  readonly time: number;
  readonly width: number;
  readonly height: number;
  /** `[height, width, 3]` */
  readonly rgb: Uint8Array;
}

/** Of the frames of a file in which each stands for itself. */
export interface FrameRange {
  readonly first: number;
  readonly count: number;
}

/**
 * Decodes a video file in this process. For files of our own making: parts of films, and tests and benchmarks read back
 * with it what the encoder wrote.
 *
 * @param range Default: all frames
 */
export async function* decodeVideoFrames(
  path: string,
  { first, count }: FrameRange = { first: 0, count: Number.POSITIVE_INFINITY },
): AsyncGenerator<VideoFrame, void, undefined> {
  await using input = await MediaInput.open(path, 'video');
  const stream = input.bestStream(AVMEDIA_TYPE_VIDEO);
  if (stream === undefined) throw new Error(`${path} has no video`);
  using decoder = new CodecContext();
  const codec = Codec.findDecoder(stream.codecpar.codecId);
  decoder.allocContext3(codec);
  check(decoder.parametersToContext(stream.codecpar), 'reading the video');
  check(await decoder.open2(codec, null), 'opening the video decoder');
  using converter = new PictureConverter('bicubic+accurate_rnd+full_chroma_int+full_chroma_inp');
  using frame = new Frame();
  frame.alloc();
  const receive = async function* (): AsyncGenerator<VideoFrame, void, undefined> {
    while ((await decoder.receiveFrame(frame)) >= 0) {
      const time = (Number(frame.pts) * stream.timeBase.num) / stream.timeBase.den;
      using rgb = await converter.toRgb(frame);
      yield { time, width: rgb.width, height: rgb.height, rgb: new Uint8Array(rgb.toBuffer()) };
      frame.unref();
    }
  };
  let index = 0;
  for await (const packet of input.packets([stream])) {
    if (index >= first + count) break;
    if (index++ < first) continue;
    check(await decoder.sendPacket(packet), 'decoding the video');
    yield* receive();
  }
  check(await decoder.sendPacket(null), 'decoding the video');
  yield* receive();
}
