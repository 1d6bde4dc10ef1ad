import { avChannelLayoutDefault, avChannelLayoutDescribe, avGetSampleFmtName, type Frame } from 'node-av/lib';
import { AudioFilter } from '../../audio-filter.ts';
import type { AudioCodec } from './audio-codec.ts';

/** Frame length for encoders that take any. */
const anyFrameSize = 1024;

/**
 * Brings frames of one shape into the sample rate, channels, sample format and frame length that an encoder wants, from
 * `start` seconds on. The frame is reused: valid until the next one is asked for.
 */
export async function* reshapedFrames(
  source: AsyncGenerator<Frame, void, undefined>,
  codec: AudioCodec,
  frameSize: number,
  start: number,
): AsyncGenerator<Frame, void, undefined> {
  const layout = avChannelLayoutDescribe(avChannelLayoutDefault(codec.channels));
  const format = avGetSampleFmtName(codec.sampleFormat);
  const filters = [
    ...(start > 0 ? [`atrim=start=${start}`, 'asetpts=PTS-STARTPTS'] : []),
    `aresample=${codec.sampleRate}`,
    `aformat=sample_fmts=${format}:sample_rates=${codec.sampleRate}:channel_layouts=${layout}`,
    `asetnsamples=n=${frameSize || anyFrameSize}:p=0`,
  ].join(',');
  let filter: AudioFilter | undefined;
  try {
    for await (const frame of source) {
      filter ??= await AudioFilter.open(frame, filters);
      yield* filter.add(frame);
    }
    if (filter !== undefined) yield* filter.flush();
  } finally {
    filter?.[Symbol.dispose]();
  }
}
