import { AV_PIX_FMT_BGR0 } from 'node-av/constants';
import { type CodecContext, Packet, Rational, type Stream } from 'node-av/lib';
import { fpsRational } from '../../fps-rational.ts';
import type { VideoEncoderSettings } from '../../video-settings.ts';
import { check, isDrained } from '../ffmpeg-status.ts';
import { PictureConverter, rgbPicture } from '../picture-frame.ts';
import type { FrameWriter } from './encode-methods.ts';
import { openFfv1Encoder } from './ffv1-encoder.ts';
import { Muxer } from './muxer.ts';

/** Writes files from which every frame comes back to the bit: FFV1 in Matroska, without sound. */
export class LosslessWriter implements FrameWriter {
  readonly #resources: AsyncDisposableStack;
  readonly #encoder: CodecContext;
  readonly #muxer: Muxer;
  readonly #stream: Stream;
  readonly #converter: PictureConverter;
  readonly #packet: Packet;
  #frames = 0;

  private constructor(resources: AsyncDisposableStack, encoder: CodecContext, muxer: Muxer, stream: Stream) {
    this.#resources = resources;
    this.#encoder = encoder;
    this.#muxer = muxer;
    this.#stream = stream;
    this.#converter = resources.use(new PictureConverter('neighbor'));
    this.#packet = resources.use(new Packet());
    this.#packet.alloc();
  }

  static async open(path: string, { width, height, fps }: VideoEncoderSettings): Promise<LosslessWriter> {
    await using resources = new AsyncDisposableStack();
    const rate = fpsRational(fps);
    const muxer = resources.use(new Muxer(path, 'matroska'));
    const encoder = resources.use(await openFfv1Encoder({ width, height, timeBase: { num: rate.den, den: rate.num } }));
    encoder.framerate = Rational.fromObject(rate);
    const stream = muxer.addEncodedStream(encoder);
    await muxer.start({});
    return new LosslessWriter(resources.move(), encoder, muxer, stream);
  }

  async write(rgb: Uint8Array): Promise<void> {
    using picture = rgbPicture(rgb, this.#encoder.width, this.#encoder.height);
    using frame = await this.#converter.toRgb(picture, AV_PIX_FMT_BGR0);
    frame.pts = BigInt(this.#frames++);
    frame.duration = 1n;
    check(await this.#encoder.sendFrame(frame), 'storing a frame');
    await this.#writePackets();
  }

  async finish(): Promise<void> {
    check(await this.#encoder.sendFrame(null), 'completing the video');
    await this.#writePackets();
    await this.#muxer.finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  async #writePackets(): Promise<void> {
    while (true) {
      const status = await this.#encoder.receivePacket(this.#packet);
      if (isDrained(status)) return;
      check(status, 'storing a frame');
      this.#packet.duration = 1n;
      await this.#muxer.write(this.#packet, this.#stream, this.#encoder.timeBase);
    }
  }
}
