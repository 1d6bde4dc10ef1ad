import { AVCOL_SPC_BT709 } from 'node-av/constants';
import { type CodecContext, Packet, Rational, type Stream } from 'node-av/lib';
import { fpsRational } from '../../fps-rational.ts';
import { type VideoEncoderSettings, videoFormat } from '../../video-settings.ts';
import { check, isDrained } from '../ffmpeg-status.ts';
import { PictureConverter, rgbPicture } from '../picture-frame.ts';
import type { FrameWriter } from './encode-methods.ts';
import { Muxer } from './muxer.ts';
import { openAudioTrack } from './sound/audio-source.ts';
import type { AudioTrack } from './sound/audio-track.ts';
import { type MovieFormat, type MovieType, movieFormat, openVideoEncoder } from './video-codec.ts';

const scalerFlags = 'bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact';

/** Writes mp4, webm and mov files: encodes each frame as it comes, with the sound interleaved. */
export class MovieWriter implements FrameWriter {
  readonly #settings: VideoEncoderSettings;
  readonly #format: MovieFormat;
  readonly #fps: Rational;
  readonly #resources: AsyncDisposableStack;
  readonly #muxer: Muxer;
  readonly #encoder: CodecContext;
  readonly #stream: Stream;
  readonly #converter: PictureConverter;
  readonly #packet: Packet;
  readonly #audio: AudioTrack | undefined;
  #frames = 0;

  private constructor(settings: VideoEncoderSettings, fps: Rational, options: MovieWriterOptions) {
    this.#settings = settings;
    this.#format = options.format;
    this.#fps = fps;
    this.#resources = options.resources;
    this.#muxer = options.muxer;
    this.#encoder = options.encoder;
    this.#stream = options.stream;
    this.#audio = options.audio;
    this.#converter = options.resources.use(new PictureConverter(scalerFlags));
    this.#packet = options.resources.use(new Packet());
    this.#packet.alloc();
  }

  static async open(path: string, settings: VideoEncoderSettings, type: MovieType): Promise<MovieWriter> {
    await using resources = new AsyncDisposableStack();
    const format = movieFormat(type);
    const { hasEvenSides } = videoFormat(type);
    const fps = Rational.fromObject(fpsRational(settings.fps));
    const muxer = resources.use(new Muxer(path, format.container));
    const encoder = resources.use(
      await openVideoEncoder(format, {
        width: hasEvenSides ? roundUpToEven(settings.width) : settings.width,
        height: hasEvenSides ? roundUpToEven(settings.height) : settings.height,
        fps,
        quality: settings.quality,
        writeMode: settings.writeMode,
        globalHeader: muxer.wantsGlobalHeader,
      }),
    );
    const stream = muxer.addEncodedStream(encoder);
    const audio = settings.audio && resources.use(await openAudioTrack(settings.audio, type, muxer));
    await muxer.start(format.muxerOptions);
    return new MovieWriter(settings, fps, { format, muxer, encoder, stream, audio, resources: resources.move() });
  }

  async write(rgb: Uint8Array): Promise<void> {
    const { type, width, height } = this.#settings;
    const pixels = videoFormat(type).hasEvenSides ? padToEven(rgb, width, height) : rgb;
    using picture = rgbPicture(pixels, this.#encoder.width, this.#encoder.height);
    using yuv = await this.#converter.toYuv(picture, this.#format.pixelFormat, AVCOL_SPC_BT709);
    yuv.pts = BigInt(this.#frames++);
    yuv.duration = 1n;
    check(await this.#encoder.sendFrame(yuv), 'encoding a frame');
    await this.#writePackets();
  }

  async finish(): Promise<void> {
    check(await this.#encoder.sendFrame(null), 'completing the video');
    await this.#writePackets();
    await this.#audio?.finish((this.#frames * this.#fps.den) / this.#fps.num);
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
      const seconds = (Number(this.#packet.dts) * this.#fps.den) / this.#fps.num;
      this.#packet.duration = 1n;
      await this.#muxer.write(this.#packet, this.#stream, this.#encoder.timeBase);
      await this.#audio?.writeUntil(seconds);
    }
  }
}

interface MovieWriterOptions {
  readonly format: MovieFormat;
  readonly resources: AsyncDisposableStack;
  readonly muxer: Muxer;
  readonly encoder: CodecContext;
  readonly stream: Stream;
  readonly audio: AudioTrack | undefined;
}

/** Rounds up to an even number. */
function roundUpToEven(side: number): number {
  return side + (side % 2);
}

/** Repeats the last column and row of `rgb`, `[height, width, 3]`, where needed to make both sides even. */
function padToEven(rgb: Uint8Array, width: number, height: number): Uint8Array {
  const paddedWidth = roundUpToEven(width);
  const paddedHeight = roundUpToEven(height);
  if (paddedWidth === width && paddedHeight === height) return rgb;
  const padded = new Uint8Array(paddedWidth * paddedHeight * 3);
  const rowBytes = paddedWidth * 3;
  for (let y = 0; y < paddedHeight; y++) {
    const source = Math.min(y, height - 1) * width * 3;
    padded.set(rgb.subarray(source, source + width * 3), y * rowBytes);
    if (paddedWidth > width) padded.copyWithin((y + 1) * rowBytes - 3, (y + 1) * rowBytes - 6, (y + 1) * rowBytes - 3);
  }
  return padded;
}
