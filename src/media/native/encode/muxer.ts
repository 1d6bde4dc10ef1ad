import { AVERROR_EINVAL, AVERROR_INVALIDDATA, AVFMT_FLAG_BITEXACT, AVFMT_GLOBALHEADER } from 'node-av/constants';
import type { Stream } from 'node-av/lib';
import { type CodecContext, type CodecParameters, Dictionary, FormatContext, type Packet, Rational } from 'node-av/lib';
import type { Rational as Ratio } from '../../media-info.ts';
import { check } from '../ffmpeg-status.ts';

/** Writes one media file: add streams, `start`, write packets roughly in time order, `finish`. */
export class Muxer implements AsyncDisposable {
  readonly #format = new FormatContext();

  /** @param container FFmpeg's name of it, e.g. `mp4`. */
  constructor(path: string, container: string) {
    check(this.#format.allocOutputContext2(null, container, `file:${path}`), 'choosing the container');
    // No dates, random ids or version strings: equal frames and settings give equal bytes.
    this.#format.setFlags(AVFMT_FLAG_BITEXACT);
  }

  /** True when codecs must put their headers in the container, not in the stream. */
  get wantsGlobalHeader(): boolean {
    return this.#format.oformat?.hasFlags(AVFMT_GLOBALHEADER) ?? false;
  }

  addEncodedStream(encoder: CodecContext): Stream {
    const stream = this.#format.newStream();
    check(stream.codecpar.fromContext(encoder), 'describing a stream');
    stream.timeBase = encoder.timeBase;
    if (encoder.framerate.num > 0) stream.avgFrameRate = encoder.framerate;
    return stream;
  }

  addCopiedStream(parameters: CodecParameters, timeBase: Ratio): Stream {
    const stream = this.#format.newStream();
    check(parameters.copy(stream.codecpar), 'describing a stream');
    // The tag is the input container's name for the codec; the output has its own.
    stream.codecpar.codecTag = 0;
    stream.timeBase = Rational.fromObject(timeBase);
    return stream;
  }

  /** Opens the file and writes its header. */
  async start(options: Record<string, string>): Promise<void> {
    check(await this.#format.openOutput(), 'opening the output file');
    using dictionary = Dictionary.fromObject(options);
    check(await this.#format.writeHeader(dictionary), 'writing the file header');
  }

  /** Takes over the packet's contents. @param timeBase Unit of the packet's times. */
  async write(packet: Packet, stream: Stream, timeBase: Ratio): Promise<void> {
    check(await this.#interleave(packet, stream, timeBase), 'writing the file');
  }

  /** Writes a packet from somebody else's file; one with damage that the container does not take is passed over. */
  async copy(packet: Packet, stream: Stream, timeBase: Ratio): Promise<void> {
    const status = await this.#interleave(packet, stream, timeBase);
    if (status !== AVERROR_EINVAL && status !== AVERROR_INVALIDDATA) check(status, 'writing the file');
  }

  /** Sets an option of the container that is only used at its end. */
  setOption(name: string, value: number): void {
    check(this.#format.setOption(name, value), `setting ${name}`);
  }

  async finish(): Promise<void> {
    check(await this.#format.writeTrailer(), 'completing the file');
    // The last bytes are written behind the trailer call's back.
    await this.#format.flush();
    check(this.#format.pb?.error ?? 0, 'completing the file');
    await this.#format.closeOutput();
  }

  #interleave(packet: Packet, stream: Stream, timeBase: Ratio): Promise<number> {
    packet.streamIndex = stream.index;
    packet.rescaleTs(timeBase, stream.timeBase);
    return this.#format.interleavedWriteFrame(packet);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#format.closeOutput();
    this.#format.freeContext();
  }
}
