import {
  AV_CODEC_ID_AAC,
  AV_CODEC_ID_OPUS,
  AV_CODEC_ID_VORBIS,
  AV_NOPTS_VALUE,
  AV_PKT_DATA_SKIP_SAMPLES,
  AV_PROFILE_AAC_LOW,
} from 'node-av/constants';
import type { CodecParameters, Packet, Stream } from 'node-av/lib';
import type { SoundInput } from '../../decode/sound/sound-input.ts';
import { check } from '../../ffmpeg-status.ts';
import type { Muxer } from '../muxer.ts';
import type { MovieType } from '../video-codec.ts';
import type { AudioTrack } from './audio-track.ts';

/** FFmpeg's names of the containers to copy from: Matroska's milliseconds are too coarse for the frames of AAC. */
const copiedFrom: Record<MovieType, readonly string[]> = {
  'X264 (.mp4)': ['mov,mp4,m4a,3gp,3g2,mj2'],
  'VP9 (.webm)': ['ogg', 'matroska,webm', 'mov,mp4,m4a,3gp,3g2,mj2'],
  // Sound in a mov is PCM; writing it from decoded samples loses nothing.
  'PRORES4444 (.mov)': [],
};
/** Up to here every phone plays. */
const maxRate = 48_000;

/**
 * True when the sound can go into the container as it is, and is then played everywhere: mono or stereo of at most 48 kHz,
 * in mp4 plain AAC-LC, in webm Opus or Vorbis.
 */
export function canCopy({ input, stream, chained }: SoundInput, type: MovieType): boolean {
  const { codecId, channels, sampleRate } = stream.codecpar;
  if (chained || !copiedFrom[type].includes(input.container)) return false;
  if (channels > 2 || sampleRate > maxRate) return false;
  if (type === 'X264 (.mp4)') return codecId === AV_CODEC_ID_AAC && isPlainAac(stream.codecpar);
  return codecId === AV_CODEC_ID_VORBIS || (codecId === AV_CODEC_ID_OPUS && isPlainOpus(stream.codecpar));
}

/** Sampling frequency indices of 48 kHz and 8 kHz. */
const [firstRateIndex, lastRateIndex] = [3, 11];
/** Announces an extension, such as HE-AAC, behind the configuration of the AAC-LC it extends. */
const syncExtension = 0x2b7;

/**
 * True for AAC-LC by its AudioSpecificConfig (ISO 14496-3, section 1.6.2.1): frames of 1024 samples, mono or stereo by number,
 * without the extensions of HE-AAC. Those need no announcement; FFmpeg has found them in the packets then.
 */
function isPlainAac({ profile, extradata }: CodecParameters): boolean {
  if (profile !== AV_PROFILE_AAC_LOW || extradata === null || extradata.length < 2) return false;
  // 5 bits object type, 4 sampling frequency index, 4 channel configuration, 3 that are 0.
  const config = extradata.readUInt16BE(0);
  const [objectType, rateIndex, channels, special] = [config >> 11, (config >> 7) & 15, (config >> 3) & 15, config & 7];
  if (objectType !== 2 || rateIndex < firstRateIndex || rateIndex > lastRateIndex) return false;
  if (channels < 1 || channels > 2 || special !== 0) return false;
  // 11 bits mark, 5 object type, 1 that says whether spectral band replication is there.
  const extended = extradata.length >= 5 && extradata.readUInt16BE(2) >> 5 === syncExtension;
  return !extended || (extradata.readUInt8(4) & 0x80) === 0;
}

/** Place of the channel mapping family in an Opus header (RFC 7845, section 5.1). */
const mappingFamilyAt = 18;

/** True for mono or stereo by number; other mappings of channels are not known to every player. */
function isPlainOpus({ extradata }: CodecParameters): boolean {
  return extradata !== null && extradata.length > mappingFamilyAt && extradata[mappingFamilyAt] === 0;
}

/** Seconds without sound between two packets that are let pass: rounding, and packets that do not say how long they are. */
const maxGap = 0.15;
const samplesPerAacPacket = 1024;

/** Copies the packets of an audio stream without gaps, shifted so that the first audible sample is at time 0. */
export class CopiedAudio implements AudioTrack {
  readonly #sound: SoundInput;
  readonly #source: Stream;
  readonly #target: Stream;
  readonly #muxer: Muxer;
  readonly #packets: AsyncGenerator<Packet, void, undefined>;
  readonly #maxSeconds: number;
  /** Read but not written: the last packet is cut when the clip's end is known. */
  #held: Packet | undefined;
  #shift: bigint | undefined;
  #lastTime: bigint | undefined;
  /** Of the packet at `#lastTime`. */
  #end = 0n;

  /** Takes over `sound`, and closes it when disposed. */
  constructor(sound: SoundInput, maxSeconds: number, muxer: Muxer) {
    const source = sound.stream;
    this.#sound = sound;
    this.#source = source;
    this.#muxer = muxer;
    this.#maxSeconds = maxSeconds;
    this.#target = muxer.addCopiedStream(source.codecpar, source.timeBase);
    this.#packets = sound.input.packets([source]);
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
      if (this.#held === undefined || this.#held.pts >= this.#ticks(end)) return;
      this.#cutAt(this.#held, end);
      await this.#write(this.#held);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#held?.free();
    await this.#packets.return();
    await this.#sound[Symbol.asyncDispose]();
  }

  async #write(packet: Packet): Promise<void> {
    this.#held = undefined;
    using written = packet;
    await this.#muxer.copy(written, this.#target, this.#source.timeBase);
  }

  /** The next packet whose time follows the one before; a damaged file may hold others. */
  async #next(): Promise<Packet | undefined> {
    while (true) {
      const { value } = await this.#packets.next();
      if (value === undefined) return undefined;
      if (value.pts === AV_NOPTS_VALUE) continue;
      this.#shift ??= value.pts + this.#skippedAtStart(value);
      let time = value.pts - this.#shift;
      if (this.#lastTime !== undefined && time <= this.#lastTime) continue;
      // The model hears the recording without its gaps, where nothing was recorded.
      if (this.#seconds(time - this.#end) > maxGap) {
        this.#shift += time - this.#end;
        time = this.#end;
      }
      const packet = value.clone();
      if (packet === null) throw new Error('copying a packet failed: out of memory');
      packet.pts = time;
      packet.dts = time;
      packet.duration = this.#length(packet);
      this.#lastTime = time;
      this.#end = time + packet.duration;
      return packet;
    }
  }

  /** Samples that a decoder drops at the start (codec priming), in the stream's time units. */
  #skippedAtStart(packet: Packet): bigint {
    const skip = packet.getSideData(AV_PKT_DATA_SKIP_SAMPLES);
    if (skip === null || skip.length < 4) return 0n;
    return this.#ticks(skip.readUInt32LE(0) / this.#source.codecpar.sampleRate);
  }

  /** Time units of the packet's sound: an mp4 makes the packet before a gap longer than that. */
  #length({ duration }: Packet): bigint {
    const { codecId, sampleRate } = this.#source.codecpar;
    if (codecId !== AV_CODEC_ID_AAC) return duration;
    const max = this.#ticks(samplesPerAacPacket / sampleRate);
    return duration < max ? duration : max;
  }

  #cutAt(packet: Packet, seconds: number): void {
    const surplus = this.#seconds(packet.pts + packet.duration) - seconds;
    if (surplus <= 0) return;
    const ticks = this.#ticks(surplus);
    if (ticks <= 0n || ticks >= packet.duration) return;
    packet.duration -= ticks;
    // u32 samples to drop at the start, u32 at the end, two reasons: Matroska keeps it, mp4 has the shorter duration.
    const skip = Buffer.alloc(10);
    skip.writeUInt32LE(Math.round(surplus * this.#source.codecpar.sampleRate), 4);
    check(packet.addSideData(AV_PKT_DATA_SKIP_SAMPLES, skip), 'cutting the sound');
  }

  /** In the stream's time units. */
  #ticks(seconds: number): bigint {
    const { num, den } = this.#source.timeBase;
    return BigInt(Math.round((seconds * den) / num));
  }

  #seconds(time: bigint): number {
    return (Number(time) * this.#source.timeBase.num) / this.#source.timeBase.den;
  }
}
