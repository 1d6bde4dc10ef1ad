import { AV_PIX_FMT_PAL8, FF_ENCODER_GIF } from 'node-av/constants';
import { Codec, CodecContext, Dictionary, type Frame, Packet, Rational, type Stream } from 'node-av/lib';
import { gifTimeBase } from '../../../media-info.ts';
import { check, isDrained } from '../../ffmpeg-status.ts';
import { Muxer } from '../muxer.ts';

/** Players take anything shorter for a mistake and show the frame for a tenth of a second. */
const minDelay = 2;

/** Writes frames that have a palette to a GIF file that repeats for ever. */
export class GifFile implements AsyncDisposable {
  readonly #resources: AsyncDisposableStack;
  readonly #encoder: CodecContext;
  readonly #muxer: Muxer;
  readonly #stream: Stream;
  readonly #packet: Packet;
  #lastTime = 0;

  private constructor(resources: AsyncDisposableStack, encoder: CodecContext, muxer: Muxer, stream: Stream) {
    this.#resources = resources;
    this.#encoder = encoder;
    this.#muxer = muxer;
    this.#stream = stream;
    this.#packet = resources.use(new Packet());
    this.#packet.alloc();
  }

  static async open(path: string, width: number, height: number): Promise<GifFile> {
    await using resources = new AsyncDisposableStack();
    const muxer = resources.use(new Muxer(path, 'gif'));
    const encoder = resources.use(await openGifEncoder(width, height));
    const stream = muxer.addEncodedStream(encoder);
    await muxer.start({ loop: '0' });
    return new GifFile(resources.move(), encoder, muxer, stream);
  }

  /** @param frame pal8; its time in hundredths of a second. */
  async write(frame: Frame): Promise<void> {
    this.#lastTime = Number(frame.pts);
    check(await this.#encoder.sendFrame(frame), 'encoding a frame');
    await this.#writePackets();
  }

  /** @param end When the last frame ends, in hundredths of a second. */
  async finish(end: number): Promise<void> {
    check(await this.#encoder.sendFrame(null), 'completing the GIF');
    await this.#writePackets();
    this.#muxer.setOption('final_delay', Math.max(minDelay, end - this.#lastTime));
    await this.#muxer.finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  async #writePackets(): Promise<void> {
    while (true) {
      const status = await this.#encoder.receivePacket(this.#packet);
      if (isDrained(status)) return;
      check(status, 'encoding a frame');
      await this.#muxer.write(this.#packet, this.#stream, gifTimeBase);
    }
  }
}

async function openGifEncoder(width: number, height: number): Promise<CodecContext> {
  const codec = Codec.findEncoderByName(FF_ENCODER_GIF);
  const encoder = new CodecContext();
  try {
    encoder.allocContext3(codec);
    encoder.width = width;
    encoder.height = height;
    encoder.pixelFormat = AV_PIX_FMT_PAL8;
    encoder.timeBase = Rational.fromObject(gifTimeBase);
    using options = Dictionary.fromObject({ flags: '+bitexact' });
    check(await encoder.open2(codec, options), 'opening the GIF encoder');
    return encoder;
  } catch (error) {
    encoder.freeContext();
    throw error;
  }
}
