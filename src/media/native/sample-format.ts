import {
  AV_CHANNEL_ORDER_NATIVE,
  AV_SAMPLE_FMT_DBL,
  AV_SAMPLE_FMT_FLT,
  AV_SAMPLE_FMT_S16,
  AV_SAMPLE_FMT_S32,
  AV_SAMPLE_FMT_U8,
  type AVSampleFormat,
} from 'node-av/constants';
import { avChannelLayoutDefault, avGetPackedSampleFmt, avSampleFmtIsPlanar, type Frame } from 'node-av/lib';
import { elementAt } from '../../shared/element-at.ts';

type Samples = Uint8Array | Int16Array | Int32Array | Float32Array | Float64Array;

interface SampleFormat {
  view(bytes: Buffer, length: number): Samples;
  readonly zero: number;
  readonly scale: number;
}

const sampleFormats = new Map<AVSampleFormat, SampleFormat>([
  [AV_SAMPLE_FMT_U8, { view: (b, n) => new Uint8Array(b.buffer, b.byteOffset, n), zero: 128, scale: 2 ** -7 }],
  [AV_SAMPLE_FMT_S16, { view: (b, n) => new Int16Array(b.buffer, b.byteOffset, n), zero: 0, scale: 2 ** -15 }],
  [AV_SAMPLE_FMT_S32, { view: (b, n) => new Int32Array(b.buffer, b.byteOffset, n), zero: 0, scale: 2 ** -31 }],
  [AV_SAMPLE_FMT_FLT, { view: (b, n) => new Float32Array(b.buffer, b.byteOffset, n), zero: 0, scale: 1 }],
  [AV_SAMPLE_FMT_DBL, { view: (b, n) => new Float64Array(b.buffer, b.byteOffset, n), zero: 0, scale: 1 }],
]);

/** More than any recording holds, floating point with the values of integers (±32768) included. */
const maxSample = 2 ** 16;

/**
 * Copies samples `from`…`to` of a decoded frame into `target[channel]` at `offset`, integers scaled to −1…1
 * (s16 / 32768, s32 / 2147483648), floats as they are; samples that are not finite, or beyond ±65536, become 0.
 *
 * @returns how many became 0, over all channels.
 */
export function readSamples(
  frame: Frame,
  from: number,
  to: number,
  target: readonly Float32Array[],
  offset: number,
): number {
  const format = frame.format as AVSampleFormat;
  const sampleFormat = sampleFormats.get(avGetPackedSampleFmt(format));
  if (sampleFormat === undefined) throw new Error(`sample format ${format} is not supported`);
  const planar = avSampleFmtIsPlanar(format);
  const planes = frame.extendedData ?? frame.data ?? [];
  const stride = planar ? 1 : target.length;
  let invalid = 0;
  for (const [channel, output] of target.entries()) {
    const bytes = planes[planar ? channel : 0];
    if (bytes === undefined) throw new Error(`audio frame without channel ${channel}`);
    const samples = sampleFormat.view(bytes, frame.nbSamples * stride);
    const first = planar ? 0 : channel;
    for (let index = from; index < to; index++) {
      const value = (elementAt(samples, index * stride + first) - sampleFormat.zero) * sampleFormat.scale;
      // NaN is not within either.
      const valid = Math.abs(value) <= maxSample;
      output[offset + index - from] = valid ? value : 0;
      if (!valid) invalid++;
    }
  }
  return invalid;
}

/** WAVE channel mask of a frame's speakers; of unnamed ones, that of the usual layout for their number. */
export function channelMask({ channelLayout }: Frame): number {
  const named = channelLayout.order === AV_CHANNEL_ORDER_NATIVE;
  const { mask } = named ? channelLayout : avChannelLayoutDefault(channelLayout.nbChannels);
  return Number(mask & 0xffffffffn);
}
