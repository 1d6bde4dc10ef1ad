import {
  AV_CODEC_ID_AAC,
  AV_CODEC_ID_MP3,
  AV_CODEC_ID_OPUS,
  AV_CODEC_ID_VORBIS,
  AV_NOPTS_VALUE,
  AV_PKT_DATA_SKIP_SAMPLES,
  type AVCodecID,
} from 'node-av/constants';
import type { Packet, Stream } from 'node-av/lib';
import type { AudioTrack } from './audio-track.ts';
import { check } from './ffmpeg-status.ts';
import type { MediaInput } from './media-input.ts';
import type { Muxer } from './muxer.ts';
import type { MovieType } from './video-codec.ts';

const copyable: Record<MovieType, readonly AVCodecID[]> = {
  'X264 (.mp4)': [AV_CODEC_ID_AAC, AV_CODEC_ID_MP3],
  'VP9 (.webm)': [AV_CODEC_ID_OPUS, AV_CODEC_ID_VORBIS],
  // Sound in a mov is PCM; writing it from decoded samples loses nothing.
  'PRORES4444 (.mov)': [],
};

/** Lowest sample rate at which mp4 may hold MP3 (ISO 14496-3). */
const lowestMp3Rate = 16_000;

/** True when `stream` can go into the container as it is. */
export function canCopy(stream: Stream, type: MovieType): boolean {
  const { codecId, sampleRate } = stream.codecpar;
  return copyable[type].includes(codecId) && (codecId !== AV_CODEC_ID_MP3 || sampleRate >= lowestMp3Rate);
}

/** Copies the packets of an audio stream, shifted so that the first audible sample is at time 0. */
export class CopiedAudio implements AudioTrack {
  readonly #input: MediaInput;
  readonly #source: Stream;
  readonly #target: Stream;
  readonly #muxer: Muxer;
  readonly #packets: AsyncGenerator<Packet, void, undefined>;
  readonly #maxSeconds: number;
  /** Read but not written: the last packet is cut when the clip's end is known. */
  #held: Packet | undefined;
  #shift: bigint | undefined;
  #lastTime: bigint | undefined;

  /** Takes over `input`, and closes it when disposed. */
  constructor(input: MediaInput, source: Stream, maxSeconds: number, muxer: Muxer) {
    this.#input = input;
    this.#source = source;
    this.#muxer = muxer;
    this.#maxSeconds = maxSeconds;
    this.#target = muxer.addCopiedStream(source.codecpar, source.timeBase);
    this.#packets = input.packets([source]);
  }

  async writeUntil(seconds: number): Promise<void> {
    while (true) {
      this.#held ??= await this.#next();
      if (this.#held === undefined || this.#seconds(this.#held.pts + this.#held.duration) > seconds) return;
      if (this.#seconds(this.#held.pts + this.#held.duration) > this.#maxSeconds) return;
      await this.#write(this.#held);
    }
  }

  async finish(seconds: number): Promise<void> {
    const end = Math.min(seconds, this.#maxSeconds);
    while (true) {
      this.#held ??= await this.#next();
      if (this.#held === undefined || this.#seconds(this.#held.pts) >= end) return;
      this.#cutAt(this.#held, end);
      await this.#write(this.#held);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#held?.free();
    await this.#packets.return();
    await this.#input[Symbol.asyncDispose]();
  }

  async #write(packet: Packet): Promise<void> {
    this.#held = undefined;
    using written = packet;
    await this.#muxer.write(written, this.#target, this.#source.timeBase);
  }

  /** The next packet whose time follows the one before; a damaged file may hold others. */
  async #next(): Promise<Packet | undefined> {
    while (true) {
      const { value } = await this.#packets.next();
      if (value === undefined) return undefined;
      if (value.pts === AV_NOPTS_VALUE) continue;
      this.#shift ??= value.pts + this.#skippedAtStart(value);
      const time = value.pts - this.#shift;
      if (this.#lastTime !== undefined && time <= this.#lastTime) continue;
      const packet = value.clone();
      if (packet === null) throw new Error('copying a packet failed: out of memory');
      packet.pts = time;
      packet.dts = time;
      this.#lastTime = time;
      return packet;
    }
  }

  /** Samples that a decoder drops at the start (codec priming), in the stream's time units. */
  #skippedAtStart(packet: Packet): bigint {
    const skip = packet.getSideData(AV_PKT_DATA_SKIP_SAMPLES);
    if (skip === null || skip.length < 4) return 0n;
    const { num, den } = this.#source.timeBase;
    return BigInt(Math.round((skip.readUInt32LE(0) / this.#source.codecpar.sampleRate) * (den / num)));
  }

  #cutAt(packet: Packet, seconds: number): void {
    const { num, den } = this.#source.timeBase;
    const surplus = this.#seconds(packet.pts + packet.duration) - seconds;
    if (surplus <= 0) return;
    const ticks = BigInt(Math.round((surplus * den) / num));
    if (ticks <= 0n || ticks >= packet.duration) return;
    packet.duration -= ticks;
    // u32 samples to drop at the start, u32 at the end, two reasons: Matroska keeps it, mp4 has the shorter duration.
    const skip = Buffer.alloc(10);
    skip.writeUInt32LE(Math.round(surplus * this.#source.codecpar.sampleRate), 4);
    check(packet.addSideData(AV_PKT_DATA_SKIP_SAMPLES, skip), 'cutting the sound');
  }

  #seconds(time: bigint): number {
    return (Number(time) * this.#source.timeBase.num) / this.#source.timeBase.den;
  }
}
