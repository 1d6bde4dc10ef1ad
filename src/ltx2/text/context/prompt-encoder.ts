import type { Graph } from '../../../graph/graph.ts';
import type { GraphTarget } from '../../../graph/graph-target.ts';
import { type Residency, residentPieces } from '../../../graph/memory/residency.ts';
import { drawNetwork } from '../../../graph/network.ts';
import { type HostTensor, indexTensor } from '../../../graph/runtime/host-tensor.ts';
import { SegmentedSession } from '../../../graph/runtime/segmented-session.ts';
import { floats, type SessionOptions } from '../../../graph/runtime/session.ts';
import { joinCheckpoints, openCheckpoint } from '../../../graph/weights/checkpoint.ts';
import type { Adapters } from '../../../graph/weights/module-weights.ts';
import { configOf } from '../../config.ts';
import { openTextEncoder } from '../gemma/gemma-folder.ts';
import { Tokenizer } from '../tokenizer.ts';
import { type TextContextConfig, textContext, textContextFeeds } from './text-context.ts';

/** Rows of a context in LTX-2. */
export const contextLength = 1024;

export interface TextContextSource {
  /** Gemma folder: configuration, weights, tokenizer. */
  readonly encoder: string;
  /** LTX-2 bundle: feature projection and connectors. */
  readonly bundle: string;
  readonly target: GraphTarget;
  /** Rows of a context: a multiple of the number of registers. Default `contextLength`. */
  readonly length?: number;
  /** Of the feature projection and the connectors. */
  readonly adapters?: Adapters | undefined;
}

export interface PromptEncoderOptions extends TextContextSource {
  readonly session?: SessionOptions;
  /** How much of the weights is in the device's memory at a time. Default: all. */
  readonly residency?: Residency | undefined;
}

/**
 * The network that makes contexts, with the weights of both files.
 *
 * @throws SoundstageError `weights` if files are missing or do not fit together
 */
export async function drawTextContext(
  source: TextContextSource,
): Promise<{ readonly graph: Graph; readonly config: TextContextConfig }> {
  const [encoder, bundle] = await Promise.all([openTextEncoder(source.encoder), openCheckpoint(source.bundle)]);
  const { target, length = contextLength, adapters } = source;
  const config = { encoder, transformer: configOf(bundle, 'transformer'), length };
  const weights = joinCheckpoints(encoder.checkpoint, bundle);
  return { graph: drawNetwork(textContext, target, weights, config, adapters), config };
}

export interface EncodedContext {
  /** `[1, length, width]`. */
  readonly videoContext: HostTensor<'float32'>;
  readonly audioContext: HostTensor<'float32'>;
  /** Tokens of the prompt, after cutting. */
  readonly tokens: number;
  readonly seconds: number;
}

/** Turns prompts into the contexts the transformer attends to. Holds the text encoder's session: dispose it. */
export class PromptEncoder implements AsyncDisposable {
  readonly length: number;
  readonly #tokenizer: Tokenizer;
  readonly #session: SegmentedSession;
  readonly #tables: ReturnType<typeof textContextFeeds>;

  private constructor(
    length: number,
    tokenizer: Tokenizer,
    session: SegmentedSession,
    tables: ReturnType<typeof textContextFeeds>,
  ) {
    this.length = length;
    this.#tokenizer = tokenizer;
    this.#session = session;
    this.#tables = tables;
  }

  /** @throws SoundstageError `weights` if files are missing or do not fit together, `device` if the session fails */
  static async open(options: PromptEncoderOptions): Promise<PromptEncoder> {
    const [tokenizer, { graph, config }] = await Promise.all([
      Tokenizer.open(options.encoder),
      drawTextContext(options),
    ]);
    const session = await SegmentedSession.open(residentPieces(graph, options.residency), options.session);
    return new PromptEncoder(config.length, tokenizer, session, textContextFeeds(config));
  }

  async encode(prompt: string): Promise<EncodedContext> {
    const started = performance.now();
    const { ids } = this.#tokenizer.encodePrompt(prompt, this.length);
    const results = await this.#session.run({ ids: indexTensor(ids), ...this.#tables });
    return {
      videoContext: floats(results, 'video'),
      audioContext: floats(results, 'audio'),
      tokens: ids.length,
      seconds: (performance.now() - started) / 1000,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }
}
