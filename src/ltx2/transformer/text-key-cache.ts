import { totalmem } from 'node:os';
import { bytesPerElement } from '../../graph/element-type.ts';
import type { Graph } from '../../graph/graph.ts';
import { type Residency, residentPieces } from '../../graph/memory/residency.ts';
import type { Feeds } from '../../graph/network.ts';
import type { HostTensor } from '../../graph/runtime/host-tensor.ts';
import { SegmentedSession } from '../../graph/runtime/segmented-session.ts';
import { floats, type SessionOptions } from '../../graph/runtime/session.ts';
import { Lazy } from '../../shared/lazy.ts';
import type { TransformerConfig } from '../config.ts';
import type { Stream, Streams } from './block.ts';
import type { BlockText, textKeys } from './text-keys.ts';
import { streamWidths } from './transformer.ts';

/** Contexts `[S, H]`. */
type Contexts = Feeds<typeof textKeys>;

/** Of every block. */
export type TextKeys = Streams<readonly BlockText<HostTensor>[]>;

interface CacheOptions {
  /** The network `textKeys`. */
  readonly draw: () => Graph;
  readonly session: SessionOptions | undefined;
  readonly residency: Residency | undefined;
  /** That may be held. Default: an eighth of the machine's memory. */
  readonly bytes: number | undefined;
}

/** Keys and values of texts, kept as long as their contexts are: both stages of a clip, and all their steps, share them. */
export class TextKeyCache {
  readonly #config: TransformerConfig;
  readonly #options: CacheOptions;
  readonly #known = new WeakMap<Contexts['video'], Lazy<TextKeys>>();

  constructor(config: TransformerConfig, options: CacheOptions) {
    this.#config = config;
    this.#options = options;
  }

  /** Whether there is memory for what is made of the texts of a clip. */
  holds(...texts: readonly (Contexts | undefined)[]): boolean {
    const widths = streamWidths(this.#config);
    const { num_layers: layers } = this.#config;
    const elements = texts.reduce((sum, text) => {
      const [rows = 0, audioRows = 0] = [text?.video.shape[0], text?.audio.shape[0]];
      return sum + 2 * layers * (rows * widths.video + audioRows * widths.audio);
    }, 0);
    return elements * bytesPerElement('float32') <= (this.#options.bytes ?? totalmem() / 8);
  }

  get(contexts: Contexts): Promise<TextKeys> {
    const known = this.#known.get(contexts.video) ?? new Lazy(() => this.#make(contexts));
    this.#known.set(contexts.video, known);
    return known.get();
  }

  async #make(contexts: Contexts): Promise<TextKeys> {
    const { draw, session: options, residency } = this.#options;
    await using session = await SegmentedSession.open(residentPieces(draw(), residency), options);
    const results = await session.run(contexts);
    const ofStream = (stream: Stream): BlockText<HostTensor>[] =>
      Array.from({ length: this.#config.num_layers }, (_, block) => ({
        keys: floats(results, `${stream}.${block}.keys`),
        values: floats(results, `${stream}.${block}.values`),
      }));
    return { video: ofStream('video'), audio: ofStream('audio') };
  }
}
