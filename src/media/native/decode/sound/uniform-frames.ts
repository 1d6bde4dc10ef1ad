import type { AVSampleFormat } from 'node-av/constants';
import { avChannelLayoutDescribe, avGetSampleFmtName, type Frame } from 'node-av/lib';
import { SoundstageError } from '../../../../shared/errors.ts';
import { AudioFilter } from '../../audio-filter.ts';

/**
 * Brings all frames into the sample rate, channels and sample format of the first: recordings joined end to end change them
 * part-way. The frame is reused: valid until the next one is asked for.
 */
export async function* uniformFrames(
  source: AsyncGenerator<Frame, void, undefined>,
  field: string,
): AsyncGenerator<Frame, void, undefined> {
  let wanted: string | undefined;
  let converter: { readonly from: string; readonly filter: AudioFilter } | undefined;
  try {
    for await (const frame of source) {
      const shape = conversionTo(frame);
      wanted ??= shape;
      if (converter !== undefined && converter.from !== shape) {
        yield* converter.filter.flush();
        converter.filter[Symbol.dispose]();
        converter = undefined;
      }
      if (shape === wanted) {
        yield frame;
        continue;
      }
      converter ??= { from: shape, filter: await openConverter(frame, wanted, field) };
      yield* converter.filter.add(frame);
    }
    if (converter !== undefined) yield* converter.filter.flush();
  } finally {
    converter?.filter[Symbol.dispose]();
  }
}

/** The filters that bring any frame into the shape of this one. */
function conversionTo({ sampleRate, format, channelLayout }: Frame): string {
  const name = avGetSampleFmtName(format as AVSampleFormat);
  const layout = avChannelLayoutDescribe(channelLayout);
  return `aresample=${sampleRate},aformat=sample_fmts=${name}:sample_rates=${sampleRate}:channel_layouts=${layout}`;
}

async function openConverter(first: Frame, filters: string, field: string): Promise<AudioFilter> {
  try {
    return await AudioFilter.open(first, filters);
  } catch (cause) {
    const message = `The ${field} track changes its channels part-way in a way that cannot be joined: convert it to wav first.`;
    throw new SoundstageError('input', message, { field, cause });
  }
}
