import type { GraphTarget } from '../../../graph/graph-target.ts';
import { networkGraph } from '../../../graph/network.ts';
import { indexTensor } from '../../../graph/runtime/host-tensor.ts';
import { floats, Session, type SessionOptions } from '../../../graph/runtime/session.ts';
import type { GemmaConfig } from '../../config.ts';
import { openTextEncoder } from './gemma-folder.ts';
import { gemmaRotaryFeeds } from './gemma-rotary.ts';
import { KeyValueCache } from './key-value-cache.ts';
import { languageModel } from './language-model-network.ts';

/** Takes the next ids of a text and answers with the logits `[vocabulary]` of the id to follow. */
export type Decode = (ids: readonly number[]) => Promise<Float32Array>;

/** Gemma as a language model. Holds a session: dispose it. */
export class LanguageModel implements AsyncDisposable {
  readonly #config: GemmaConfig;
  readonly #session: Session;

  private constructor(config: GemmaConfig, session: Session) {
    this.#config = config;
    this.#session = session;
  }

  /** @throws SoundstageError `weights` if the folder does not fit, `device` if the session fails */
  static async open(folder: string, target: GraphTarget, options?: SessionOptions): Promise<LanguageModel> {
    const encoder = await openTextEncoder(folder);
    const graph = networkGraph(languageModel, target, encoder.checkpoint, encoder);
    return new LanguageModel(encoder.config, await Session.open(graph, options));
  }

  /** Ids that end a text or a turn. */
  get endIds(): readonly number[] {
    return [this.#config.eos_token_id].flat();
  }

  /** Begins a text of at most `capacity` tokens, with a cache of its own. */
  begin(capacity: number): Decode {
    const { text_config: config } = this.#config;
    const cache = new KeyValueCache(config.num_hidden_layers, config.num_key_value_heads * config.head_dim, capacity);
    const rotary = gemmaRotaryFeeds(config, capacity);
    return async (ids) => {
      const results = await this.#session.run({ ids: indexTensor(ids), rotary, past: cache.feeds() });
      cache.append(results, ids.length);
      return floats(results, 'logits').data;
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }
}
