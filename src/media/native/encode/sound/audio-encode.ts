import { type CodecContext, type Frame, Packet, Rational, type Stream } from 'node-av/lib';
import { check, isDrained } from '../../ffmpeg-status.ts';
import type { Muxer } from '../muxer.ts';
import type { AudioCodec } from './audio-codec.ts';
import { openAudioEncoder } from './audio-encoder.ts';
import type { AudioTrack } from './audio-track.ts';
import { reshapedFrames } from './reshaped-frames.ts';

export interface AudioSpan {
  /** Seconds */
  readonly start: number;
  /** Seconds; without it, to the end. */
  readonly duration: number | undefined;
}

/** Encodes sound as the pictures go by. */
export class EncodedAudio implements AudioTrack {
  readonly #resources: AsyncDisposableStack;
  readonly #encoder: CodecContext;
  readonly #frames: AsyncGenerator<Frame, void, undefined>;
  readonly #muxer: Muxer;
  readonly #stream: Stream;
  readonly #packet = new Packet();
  readonly #maxSeconds: number;
  /** Given by the source but not encoded: the last frame is cut when the clip's end is known. */
  #held: Frame | undefined;
  #samples = 0;

  private constructor(options: EncodedAudioOptions) {
    this.#resources = options.resources;
    this.#encoder = options.encoder;
    this.#frames = options.frames;
    this.#muxer = options.muxer;
    this.#maxSeconds = options.maxSeconds;
    this.#stream = options.muxer.addEncodedStream(options.encoder);
    this.#packet.alloc();
  }

  /** @param owned Closed together with the track. */
  static async open(
    source: AsyncGenerator<Frame, void, undefined>,
    codec: AudioCodec,
    { start, duration = Number.POSITIVE_INFINITY }: AudioSpan,
    muxer: Muxer,
    owned?: AsyncDisposableStack,
  ): Promise<EncodedAudio> {
    await using resources = new AsyncDisposableStack();
    if (owned !== undefined) resources.use(owned);
    resources.defer(async () => void (await source.return()));
    const encoder = resources.use(await openAudioEncoder(codec, muxer.wantsGlobalHeader));
    const frames = reshapedFrames(source, codec, encoder.frameSize, start);
    resources.defer(async () => void (await frames.return()));
    return new EncodedAudio({ encoder, frames, muxer, maxSeconds: duration, resources: resources.move() });
  }

  /** Decodes and converts the first piece, so that what cannot be is refused before any pictures are made. */
  async prepare(): Promise<void> {
    await this.#peek();
  }

  async writeUntil(seconds: number): Promise<void> {
    while (true) {
      const frame = await this.#peek();
      const end = frame && (this.#samples + frame.nbSamples) / this.#encoder.sampleRate;
      if (end === undefined || end > seconds || end > this.#maxSeconds) return;
      await this.#encodeHeld();
    }
  }

  async finish(seconds: number): Promise<void> {
    const end = Math.round(Math.min(seconds, this.#maxSeconds) * this.#encoder.sampleRate);
    while (true) {
      const frame = await this.#peek();
      if (frame === undefined || this.#samples >= end) break;
      frame.nbSamples = Math.min(frame.nbSamples, end - this.#samples);
      await this.#encodeHeld();
    }
    check(await this.#encoder.sendFrame(null), 'completing the sound');
    await this.#writePackets();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#packet.free();
    await this.#resources.disposeAsync();
  }

  async #peek(): Promise<Frame | undefined> {
    this.#held ??= (await this.#frames.next()).value ?? undefined;
    return this.#held;
  }

  async #encodeHeld(): Promise<void> {
    if (this.#held === undefined) return;
    this.#held.pts = BigInt(this.#samples);
    this.#samples += this.#held.nbSamples;
    check(await this.#encoder.sendFrame(this.#held), 'encoding the sound');
    this.#held = undefined;
    await this.#writePackets();
  }

  async #writePackets(): Promise<void> {
    const timeBase = new Rational(1, this.#encoder.sampleRate);
    while (true) {
      const status = await this.#encoder.receivePacket(this.#packet);
      if (isDrained(status)) return;
      check(status, 'encoding the sound');
      await this.#muxer.write(this.#packet, this.#stream, timeBase);
    }
  }
}

interface EncodedAudioOptions {
  readonly encoder: CodecContext;
  readonly frames: AsyncGenerator<Frame, void, undefined>;
  readonly muxer: Muxer;
  readonly maxSeconds: number;
  readonly resources: AsyncDisposableStack;
}
