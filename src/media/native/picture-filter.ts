import { type FilterContext, FilterGraph, Frame } from 'node-av/lib';
import { check, isDrained } from './ffmpeg-status.ts';

/** A video filter graph with named inputs and one output. */
export class PictureFilter implements Disposable {
  readonly #graph = new FilterGraph();
  readonly #frame = new Frame();
  readonly #filters: readonly FilterContext[];
  readonly #output: FilterContext;

  private constructor(description: string) {
    this.#frame.alloc();
    this.#graph.alloc();
    check(this.#graph.parsePtr(description), 'preparing a filter');
    this.#filters = this.#graph.filters ?? [];
    this.#output = this.#find('buffersink');
  }

  /** @param description FFmpeg's notation, with `buffer@name` filters as inputs and a `buffersink`. */
  static async open(description: string): Promise<PictureFilter> {
    const filter = new PictureFilter(description);
    try {
      check(await filter.#graph.config(), 'preparing a filter');
      return filter;
    } catch (error) {
      filter[Symbol.dispose]();
      throw error;
    }
  }

  /** @param picture The next picture; null after the last. */
  async push(input: string, picture: Frame | null): Promise<void> {
    check(await this.#find(`buffer@${input}`).buffersrcAddFrame(picture), 'filtering a frame');
  }

  /** What is ready; each picture is valid until the next one is asked for. */
  async *pull(): AsyncGenerator<Frame, void, undefined> {
    while (true) {
      const status = await this.#output.buffersinkGetFrame(this.#frame);
      if (isDrained(status)) return;
      check(status, 'filtering a frame');
      yield this.#frame;
      this.#frame.unref();
    }
  }

  [Symbol.dispose](): void {
    this.#frame.free();
    this.#graph.free();
  }

  #find(name: string): FilterContext {
    const filter = this.#filters.find((candidate) => candidate.name === name || candidate.filter?.name === name);
    if (filter === undefined) throw new Error(`the filter graph has no ${name}`);
    return filter;
  }
}
