import type { GraphTarget } from '../../../graph/graph-target.ts';
import { type HostTensor, indexTensor } from '../../../graph/runtime/host-tensor.ts';
import { floats, Session, type SessionOptions, type Tensors } from '../../../graph/runtime/session.ts';
import { configSection, openCheckpoint } from '../../checkpoint.ts';
import { parseConfig } from '../../config.ts';
import type { Adapters } from '../../module-weights.ts';
import { openTextEncoder } from '../gemma/gemma-folder.ts';
import { Tokenizer } from '../tokenizer.ts';
import { textContextFeeds, textContextGraph } from './text-context.ts';

export interface PromptEncoderOptions {
  /** Gemma folder: configuration, weights, tokenizer. */
  readonly encoder: string;
  /** LTX-2 bundle: feature projection and connectors. */
  readonly bundle: string;
  readonly target: GraphTarget;
  /** Rows of a context: 1024 in LTX-2. A multiple of the number of registers. */
  readonly length?: number;
  /** Of the feature projection and the connectors. */
  readonly adapters?: Adapters | undefined;
  readonly session?: SessionOptions;
}

export interface EncodedContext {
  /** `[1, length, width]`. */
  readonly videoContext: HostTensor<'float32'>;
  readonly audioContext: HostTensor<'float32'>;
  /** Tokens of the prompt, after cutting. */
  readonly tokens: number;
  readonly seconds: number;
}

/** Mutex prompts into the contexts the transformer attends to. Holds the text encoder's session: dispose it. */
export class PromptEncoder implements AsyncDisposable {
  readonly length: number;
  readonly #tokenizer: Tokenizer;
  readonly #session: Session;
  readonly #tables: Tensors;

  private constructor(length: number, tokenizer: Tokenizer, session: Session, tables: Tensors) {
    this.length = length;
    this.#tokenizer = tokenizer;
    this.#session = session;
    this.#tables = tables;
  }

  /** @throws SoundstageError `weights` if files are missing or do not fit together, `device` if the session fails */
  static async open(options: PromptEncoderOptions): Promise<PromptEncoder> {
    const { target, length = 1024, adapters } = options;
    const [tokenizer, encoder, bundle] = await Promise.all([
      Tokenizer.open(options.encoder),
      openTextEncoder(options.encoder),
      openCheckpoint(options.bundle),
    ]);
    const config = parseConfig('transformer', configSection(bundle, 'transformer'), bundle.path);
    const networks = { encoder, bundle, config };
    const session = await Session.open(textContextGraph(target, networks, length, adapters), options.session);
    return new PromptEncoder(length, tokenizer, session, textContextFeeds(networks, length));
  }

  async encode(prompt: string): Promise<EncodedContext> {
    const started = performance.now();
    const { ids } = this.#tokenizer.encodePrompt(prompt, this.length);
    const results = await this.#session.run({ ids: indexTensor(ids), ...this.#tables });
    return {
      videoContext: floats(results, 'video_context'),
      audioContext: floats(results, 'audio_context'),
      tokens: ids.length,
      seconds: (performance.now() - started) / 1000,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }
}
