import type { Graph } from '../../../graph/graph.ts';
import type { GraphTarget } from '../../../graph/graph-target.ts';
import { drawNetwork } from '../../../graph/network.ts';
import { type HostTensor, indexTensor } from '../../../graph/runtime/host-tensor.ts';
import { floats, Session, type SessionOptions } from '../../../graph/runtime/session.ts';
import type { GemmaConfig } from '../../config.ts';
import { type GemmaFolder, openTextEncoder } from './gemma-folder.ts';
import { gemmaRotaryFeeds } from './gemma-rotary.ts';
import { gemmaSightFeeds } from './gemma-sight.ts';
import { KeyValueCache } from './key-value-cache.ts';
import { languageModel, seeingLanguageModel } from './language-model-network.ts';

/**
 * Takes the next ids of a text and answers with the logits `[vocabulary]` of the id to follow.
 *
 * @param features `[k, hidden]` of the parts of the pictures among `ids`, for a model that was opened to see them
 */
export type Decode = (ids: readonly number[], features?: HostTensor<'float32'> | undefined) => Promise<Float32Array>;

export interface LanguageModelOptions extends SessionOptions {
  /** Whether pictures may be among the tokens; default no, which is a little faster. */
  readonly sees?: boolean;
}

export function drawLanguageModel(encoder: GemmaFolder, target: GraphTarget, sees = false): Graph {
  return drawNetwork(sees ? seeingLanguageModel : languageModel, target, encoder.checkpoint, encoder);
}

/** Gemma as a language model. Holds a session: dispose it. */
export class LanguageModel implements AsyncDisposable {
  readonly #config: GemmaConfig;
  readonly #session: Session;
  readonly #sees: boolean;

  private constructor(config: GemmaConfig, session: Session, sees: boolean) {
    this.#config = config;
    this.#session = session;
    this.#sees = sees;
  }

  /** @throws SoundstageError `weights` if the folder does not fit, `device` if the session fails */
  static async open(
    folder: string,
    target: GraphTarget,
    { sees = false, ...options }: LanguageModelOptions = {},
  ): Promise<LanguageModel> {
    const encoder = await openTextEncoder(folder);
    const graph = drawLanguageModel(encoder, target, sees).build();
    return new LanguageModel(encoder.config, await Session.open(graph, options), sees);
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
    return async (ids, features) => {
      if (features !== undefined && !this.#sees) throw new Error('this model was not opened to see pictures');
      const sight = this.#sees ? gemmaSightFeeds(this.#config, ids, cache.positions, features) : undefined;
      const results = await this.#session.run({ ids: indexTensor(ids), rotary, past: cache.feeds(), sight });
      cache.append(results, ids.length);
      return floats(results, 'logits').data;
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }
}
