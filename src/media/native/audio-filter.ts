import { AV_BUFFERSRC_FLAG_NONE, type AVSampleFormat } from 'node-av/constants';
import { avChannelLayoutDescribe, avGetSampleFmtName, type FilterContext, FilterGraph, Frame } from 'node-av/lib';
import { check, isDrained } from './ffmpeg-status.ts';

/** A chain of FFmpeg's filters for frames of one sample rate, channel layout and sample format. */
export class AudioFilter implements Disposable {
  readonly #graph: FilterGraph;
  readonly #input: FilterContext;
  readonly #output: FilterContext;
  readonly #frame = new Frame();
  #samples = 0;

  private constructor(graph: FilterGraph, input: FilterContext, output: FilterContext) {
    this.#graph = graph;
    this.#input = input;
    this.#output = output;
    this.#frame.alloc();
  }

  /**
   * @param first A frame such as will be added.
   * @param filters In FFmpeg's notation.
   */
  static async open({ sampleRate, format, channelLayout }: Frame, filters: string): Promise<AudioFilter> {
    const source = [
      `sample_rate=${sampleRate}`,
      `sample_fmt=${avGetSampleFmtName(format as AVSampleFormat)}`,
      `channel_layout=${avChannelLayoutDescribe(channelLayout)}`,
      `time_base=1/${sampleRate}`,
    ].join(':');
    const graph = new FilterGraph();
    try {
      graph.alloc();
      check(graph.parsePtr(`abuffer=${source},${filters},abuffersink`), 'preparing the sound');
      check(await graph.config(), 'preparing the sound');
      const built = graph.filters ?? [];
      const input = built.find((filter) => filter.filter?.name === 'abuffer');
      const output = built.find((filter) => filter.filter?.name === 'abuffersink');
      if (input === undefined || output === undefined) throw new Error('the audio filter graph has no ends');
      return new AudioFilter(graph, input, output);
    } catch (error) {
      graph.free();
      throw error;
    }
  }

  /** Filters a frame. The frames that come out are reused: each is valid until the next one is asked for. */
  async *add(frame: Frame): AsyncGenerator<Frame, void, undefined> {
    // Counted, not taken from the file: gaps and jumps in a damaged file's times would tear the sound apart.
    frame.pts = BigInt(this.#samples);
    this.#samples += frame.nbSamples;
    yield* this.#filtered(frame);
  }

  /** What the filters still hold. Nothing can be added afterwards. */
  flush(): AsyncGenerator<Frame, void, undefined> {
    return this.#filtered(null);
  }

  [Symbol.dispose](): void {
    this.#frame.free();
    this.#graph.free();
  }

  async *#filtered(frame: Frame | null): AsyncGenerator<Frame, void, undefined> {
    check(await this.#input.buffersrcAddFrame(frame, AV_BUFFERSRC_FLAG_NONE), 'converting the sound');
    while (true) {
      const status = await this.#output.buffersinkGetFrame(this.#frame);
      if (isDrained(status)) return;
      check(status, 'converting the sound');
      yield this.#frame;
      this.#frame.unref();
    }
  }
}
