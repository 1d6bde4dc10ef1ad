import { AV_NOPTS_VALUE, AV_PKT_DATA_SKIP_SAMPLES, AVMEDIA_TYPE_AUDIO, AVMEDIA_TYPE_VIDEO } from 'node-av/constants';
import { avGcd, avGetCodecName, type Packet, type Stream } from 'node-av/lib';
import { cancelled } from '../../../shared/cancellation.ts';
import { fpsRational } from '../../fps-rational.ts';
import {
  type AudioStreamInfo,
  gifTimeBase,
  type MediaInfo,
  type Rational,
  type VideoStreamInfo,
} from '../../media-info.ts';
import { MediaInput } from './media-input.ts';

/** Reads every packet of the best audio and video streams, and says what they are. Nothing is decoded. */
export async function probe(path: string, field: string, signal: AbortSignal): Promise<MediaInfo> {
  await using input = await MediaInput.open(path, field);
  const audioStream = input.bestStream(AVMEDIA_TYPE_AUDIO);
  const videoStream = input.bestStream(AVMEDIA_TYPE_VIDEO);
  const streams = [audioStream, videoStream].filter((stream) => stream !== undefined);
  const spans = new Map(streams.map((stream) => [stream.index, new PacketSpan(stream)]));
  for await (const packet of input.packets(streams)) {
    if (signal.aborted) throw cancelled();
    spans.get(packet.streamIndex)?.add(packet);
  }
  const audio = audioStream && audioInfo(audioStream, spans.get(audioStream.index));
  const video = videoStream && videoInfo(videoStream, spans.get(videoStream.index), input.container);
  const duration = Math.max(audio?.duration ?? 0, video?.duration ?? 0);
  return { container: input.container, duration, fileSize: input.fileSize, audio, video };
}

/** The stretch of time that a stream's packets cover. */
class PacketSpan {
  packets = 0;
  readonly #timeBase: { readonly num: number; readonly den: number };
  readonly #sampleRate: number;
  readonly #frameSeconds: number;
  #start = Number.POSITIVE_INFINITY;
  #end = 0;
  #skipped = 0;
  #previousLength = 0;

  constructor(stream: Stream) {
    this.#timeBase = stream.timeBase;
    this.#sampleRate = stream.codecpar.sampleRate;
    const { num, den } = stream.avgFrameRate;
    this.#frameSeconds = num > 0 ? den / num : 0;
  }

  get seconds(): number {
    return Math.max(0, this.#end - Math.min(this.#start, this.#end) - this.#skipped);
  }

  add(packet: Packet): void {
    this.packets++;
    const stamp = packet.pts === AV_NOPTS_VALUE ? packet.dts : packet.pts;
    const start = stamp === AV_NOPTS_VALUE ? this.#end : this.#toSeconds(stamp);
    const length = packet.duration > 0n ? this.#toSeconds(packet.duration) : this.#frameSeconds;
    this.#start = Math.min(this.#start, start);
    this.#end = Math.max(this.#end, start + length);
    this.#skipped += this.#droppedSeconds(packet, length);
    this.#previousLength = length;
  }

  /** Sound that a decoder drops: codec priming at the start, padding at the end. */
  #droppedSeconds(packet: Packet, length: number): number {
    const skip = packet.getSideData(AV_PKT_DATA_SKIP_SAMPLES);
    if (skip === null || skip.length < 8 || this.#sampleRate <= 0) return 0;
    // Most demuxers already leave padding out of the last packet's length.
    const padding = length < this.#previousLength ? 0 : skip.readUInt32LE(4);
    return (skip.readUInt32LE(0) + padding) / this.#sampleRate;
  }

  #toSeconds(ticks: bigint): number {
    return (Number(ticks) * this.#timeBase.num) / this.#timeBase.den;
  }
}

function audioInfo(stream: Stream, span: PacketSpan | undefined): AudioStreamInfo {
  const { codecId, sampleRate, channels } = stream.codecpar;
  return { codec: avGetCodecName(codecId) ?? 'unknown', sampleRate, channels, duration: span?.seconds ?? 0 };
}

function videoInfo(stream: Stream, span: PacketSpan | undefined, container: string): VideoStreamInfo {
  const { codecId, width, height } = stream.codecpar;
  const frames = span?.packets ?? 0;
  const duration = span?.seconds ?? 0;
  const codec = avGetCodecName(codecId) ?? 'unknown';
  const fps = frameRate(stream, container, frames, duration);
  return { codec, width, height, fps, frames, duration };
}

function frameRate(stream: Stream, container: string, frames: number, duration: number): Rational {
  // A GIF has no rate, only a delay for each frame.
  if (container === 'gif') return averageRate(frames, duration);
  const { num, den } = stream.avgFrameRate;
  // WebM keeps nanoseconds per frame, which FFmpeg reads as a fraction with small numbers but not always the usual one.
  return container === 'matroska,webm' && num > 0 && den > 0 ? fpsRational(num / den) : { num, den };
}

function averageRate(frames: number, seconds: number): Rational {
  const ticks = BigInt(Math.round(seconds * gifTimeBase.den));
  const count = BigInt(frames * gifTimeBase.den);
  const divisor = avGcd(count, ticks) || 1n;
  return { num: Number(count / divisor), den: Number(ticks / divisor) };
}
