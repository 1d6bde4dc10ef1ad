import { writeFile } from 'node:fs/promises';
import { AV_CODEC_ID_FFV1, AV_PIX_FMT_BGR0, FF_ENCODER_FFV1 } from 'node-av/constants';
import { avRescaleQ, Codec, CodecContext, FormatContext, Frame, Packet, Rational, type Stream } from 'node-av/lib';
import { check, isDrained } from '../../ffmpeg-status.ts';
import { gifTimeBase } from '../../gif-clock.ts';
import { Muxer } from '../muxer.ts';

/**
 * Keeps frames on disk, losslessly compressed (FFV1), for a second pass: a palette is chosen from the whole clip before
 * the first frame can be written, and a clip may be larger than memory.
 */
export class FrameSpool implements AsyncDisposable {
  readonly #path: string;
  readonly #resources: AsyncDisposableStack;
  readonly #encoder: CodecContext;
  readonly #muxer: Muxer;
  readonly #stream: Stream;

  private constructor(
    path: string,
    resources: AsyncDisposableStack,
    encoder: CodecContext,
    muxer: Muxer,
    stream: Stream,
  ) {
    this.#path = path;
    this.#resources = resources;
    this.#encoder = encoder;
    this.#muxer = muxer;
    this.#stream = stream;
  }

  static async open(path: string, width: number, height: number): Promise<FrameSpool> {
    await using resources = new AsyncDisposableStack();
    // The library would make it readable for everybody who may read the clip to come, or more.
    await writeFile(path, '', { mode: 0o600 });
    const muxer = resources.use(new Muxer(path, 'nut'));
    const encoder = resources.use(await openEncoder(width, height));
    const stream = muxer.addEncodedStream(encoder);
    await muxer.start({});
    return new FrameSpool(path, resources.move(), encoder, muxer, stream);
  }

  /** @param frame bgr0 */
  async write(frame: Frame): Promise<void> {
    check(await this.#encoder.sendFrame(frame), 'storing a frame');
    await this.#writePackets();
  }

  /** Reads all frames back, once writing is over. Each is valid until the next one is asked for. */
  async *frames(): AsyncGenerator<Frame, void, undefined> {
    check(await this.#encoder.sendFrame(null), 'storing the frames');
    await this.#writePackets();
    await this.#muxer.finish();
    await using input = new FormatContext();
    check(await input.openInput(`file:${this.#path}`), 'reading the stored frames');
    using decoder = await openDecoder(input);
    using packet = new Packet();
    packet.alloc();
    using frame = new Frame();
    frame.alloc();
    let more = true;
    while (more) {
      more = (await input.readFrame(packet)) >= 0;
      check(await decoder.sendPacket(more ? packet : null), 'reading the stored frames');
      packet.unref();
      while ((await decoder.receiveFrame(frame)) >= 0) {
        frame.pts = avRescaleQ(frame.pts, decoder.pktTimebase, gifTimeBase);
        yield frame;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  async #writePackets(): Promise<void> {
    using packet = new Packet();
    packet.alloc();
    while (true) {
      const status = await this.#encoder.receivePacket(packet);
      if (isDrained(status)) return;
      check(status, 'storing a frame');
      await this.#muxer.write(packet, this.#stream, gifTimeBase);
    }
  }
}

async function openEncoder(width: number, height: number): Promise<CodecContext> {
  const codec = Codec.findEncoderByName(FF_ENCODER_FFV1);
  const encoder = new CodecContext();
  try {
    encoder.allocContext3(codec);
    encoder.width = width;
    encoder.height = height;
    encoder.pixelFormat = AV_PIX_FMT_BGR0;
    encoder.timeBase = Rational.fromObject(gifTimeBase);
    encoder.threadCount = 4;
    check(await encoder.open2(codec, null), 'opening the FFV1 encoder');
    return encoder;
  } catch (error) {
    encoder.freeContext();
    throw error;
  }
}

async function openDecoder(input: FormatContext): Promise<CodecContext> {
  const stream = input.streams[0];
  if (stream === undefined) throw new Error('no frames were stored');
  const codec = Codec.findDecoder(AV_CODEC_ID_FFV1);
  const decoder = new CodecContext();
  try {
    decoder.allocContext3(codec);
    check(decoder.parametersToContext(stream.codecpar), 'reading the stored frames');
    decoder.pktTimebase = stream.timeBase;
    check(await decoder.open2(codec, null), 'opening the FFV1 decoder');
    return decoder;
  } catch (error) {
    decoder.freeContext();
    throw error;
  }
}
