import type { GraphTarget } from '../../../graph/graph-target.ts';
import type { HostTensor } from '../../../graph/runtime/host-tensor.ts';
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import { SoundstageError } from '../../../shared/errors.ts';
import { LanguageModel, type LanguageModelOptions } from '../gemma/language-model.ts';
import { type Sampling, sampleToken, seededUniform } from './token-sampling.ts';

export interface GenerationOptions extends Sampling {
  readonly maxNewTokens: number;
  /** `[k, hidden]` of the parts of the pictures in the prompt, for a generator that was opened to see them. */
  readonly features?: HostTensor<'float32'> | undefined;
  /** 32-bit seed; the same seed gives the same text. */
  readonly seed: number;
  /** Ids that end the text. Default: the folder's end-of-sequence ids. */
  readonly stopIds?: readonly number[];
  /** Looked at before each token. */
  readonly signal?: AbortSignal | undefined;
  /** Called with each new id as it comes. */
  readonly onToken?: (id: number) => void;
}

export interface GeneratedText {
  /** New ids, without the one that stopped the text. */
  readonly ids: readonly number[];
  readonly finish: 'stop' | 'length';
  readonly seconds: number;
}

/** Continues text with a Gemma folder's language model. Holds a session: dispose it. */
export class TextGenerator implements AsyncDisposable {
  readonly #model: LanguageModel;

  private constructor(model: LanguageModel) {
    this.#model = model;
  }

  /** @throws SoundstageError `weights` if the folder does not fit, `device` if the session fails */
  static async open(folder: string, target: GraphTarget, options?: LanguageModelOptions): Promise<TextGenerator> {
    return new TextGenerator(await LanguageModel.open(folder, target, options));
  }

  /**
   * Continues `promptIds`. Draw i of the sampling is `seededUniform(seed, i)`; temperature 0 draws nothing.
   *
   * @throws SoundstageError `cancelled` when the signal is aborted, `input` for an empty prompt
   */
  async generate(promptIds: readonly number[], options: GenerationOptions): Promise<GeneratedText> {
    const { maxNewTokens, features, seed, stopIds = this.#model.endIds, signal, onToken } = options;
    if (promptIds.length === 0) throw new SoundstageError('input', 'there is no prompt to continue');
    const started = performance.now();
    const finished = (finish: GeneratedText['finish']): GeneratedText => ({
      ids,
      finish,
      seconds: (performance.now() - started) / 1000,
    });
    const ids: number[] = [];
    const decode = this.#model.begin(promptIds.length + maxNewTokens);
    let next = promptIds;
    while (ids.length < maxNewTokens) {
      await throwIfCancelled(signal);
      const logits = await decode(next, ids.length === 0 ? features : undefined);
      const id = sampleToken(logits, options, seededUniform(seed, ids.length));
      if (stopIds.includes(id)) return finished('stop');
      ids.push(id);
      onToken?.(id);
      next = [id];
    }
    return finished('length');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#model[Symbol.asyncDispose]();
  }
}
