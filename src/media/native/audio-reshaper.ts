import { AV_BUFFERSRC_FLAG_NONE, AV_CHANNEL_ORDER_UNSPEC, type AVSampleFormat } from 'node-av/constants';
import {
  avChannelLayoutDefault,
  avChannelLayoutDescribe,
  avGetSampleFmtName,
  type FilterContext,
  FilterGraph,
  Frame,
} from 'node-av/lib';
import type { AudioCodec } from './audio-codec.ts';
import { check, isDrained } from './ffmpeg-status.ts';

/** Frame length for encoders that take any. */
const anyFrameSize = 1024;

/** Brings decoded sound into the rate, channels, sample format and frame length that an encoder wants. */
export class AudioReshaper implements Disposable {
  readonly #graph = new FilterGraph();
  readonly #frame = new Frame();
  readonly #chain: string;

  constructor(codec: AudioCodec, frameSize: number, start: number) {
    this.#frame.alloc();
    const layout = avChannelLayoutDescribe(avChannelLayoutDefault(codec.channels));
    const format = avGetSampleFmtName(codec.sampleFormat);
    this.#chain = [
      ...(start > 0 ? [`atrim=start=${start}`, 'asetpts=PTS-STARTPTS'] : []),
      `aresample=${codec.sampleRate}`,
      `aformat=sample_fmts=${format}:sample_rates=${codec.sampleRate}:channel_layouts=${layout}`,
      `asetnsamples=n=${frameSize || anyFrameSize}:p=0`,
      'abuffersink',
    ].join(',');
  }

  /** Frames ready for the encoder, reused: each is valid until the next one is asked for. */
  async *frames(source: AsyncGenerator<Frame, void, undefined>): AsyncGenerator<Frame, void, undefined> {
    let ends: { readonly input: FilterContext; readonly output: FilterContext } | undefined;
    let samples = 0;
    for await (const frame of source) {
      if (frame.channelLayout.order === AV_CHANNEL_ORDER_UNSPEC) {
        frame.channelLayout = avChannelLayoutDefault(frame.channelLayout.nbChannels);
      }
      ends ??= await this.#build(frame);
      // Counted, not taken from the file: gaps and jumps in a damaged file's times would tear the sound apart.
      frame.pts = BigInt(samples);
      samples += frame.nbSamples;
      check(await ends.input.buffersrcAddFrame(frame, AV_BUFFERSRC_FLAG_NONE), 'converting the sound');
      yield* this.#drain(ends.output);
    }
    if (ends === undefined) return;
    check(await ends.input.buffersrcAddFrame(null), 'converting the sound');
    yield* this.#drain(ends.output);
  }

  [Symbol.dispose](): void {
    this.#frame.free();
    this.#graph.free();
  }

  async *#drain(output: FilterContext): AsyncGenerator<Frame, void, undefined> {
    while (true) {
      const status = await output.buffersinkGetFrame(this.#frame);
      if (isDrained(status)) return;
      check(status, 'converting the sound');
      yield this.#frame;
      this.#frame.unref();
    }
  }

  async #build(first: Frame): Promise<{ input: FilterContext; output: FilterContext }> {
    const { sampleRate } = first;
    const source = [
      `sample_rate=${sampleRate}`,
      `sample_fmt=${avGetSampleFmtName(first.format as AVSampleFormat)}`,
      `channel_layout=${avChannelLayoutDescribe(first.channelLayout)}`,
      `time_base=1/${sampleRate}`,
    ].join(':');
    this.#graph.alloc();
    check(this.#graph.parsePtr(`abuffer=${source},${this.#chain}`), 'preparing the sound');
    check(await this.#graph.config(), 'preparing the sound');
    const filters = this.#graph.filters ?? [];
    const input = filters.find((filter) => filter.filter?.name === 'abuffer');
    const output = filters.find((filter) => filter.filter?.name === 'abuffersink');
    if (input === undefined || output === undefined) throw new Error('the audio filter graph has no ends');
    return { input, output };
  }
}
