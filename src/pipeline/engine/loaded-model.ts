import type { GraphModel } from '../../graph/graph-model.ts';
import { graphTargets } from '../../graph/graph-target.ts';
import { networkGraph } from '../../graph/network.ts';
import { Session } from '../../graph/runtime/session.ts';
import { type Checkpoint, joinCheckpoints, openCheckpoint } from '../../graph/weights/checkpoint.ts';
import { adaptableModules, isTextModule } from '../../ltx2/adaptable-modules.ts';
import { audioDecoder } from '../../ltx2/audio/audio-decoder.ts';
import { audioEncoder } from '../../ltx2/audio/audio-encoder.ts';
import { audioVaeConfigOf } from '../../ltx2/audio/audio-latents.ts';
import { type VocoderSizes, vocoder, vocoderConfigOf } from '../../ltx2/audio/vocoder.ts';
import { type AudioVaeConfig, configOf, upsamplerConfigOf } from '../../ltx2/config.ts';
import { mappedAdapters } from '../../ltx2/lora/adapters.ts';
import { type AppliedLora, requireFiniteWeights } from '../../ltx2/lora/lora.ts';
import { PromptEncoder } from '../../ltx2/text/context/prompt-encoder.ts';
import { type TextContexts, VelocityModel } from '../../ltx2/transformer/velocity.ts';
import { fitLatentPreview, type LatentPreview } from '../../ltx2/video/latent-preview.ts';
import { latentUpsampler } from '../../ltx2/video/latent-upsampler.ts';
import { videoDecoder } from '../../ltx2/video/video-decoder.ts';
import { videoEncoder } from '../../ltx2/video/video-encoder.ts';
import type { LoraChoice, Plan } from '../plan/plan.ts';
import { usableLora } from '../usable-lora.ts';
import { convolutionSession, transformerSession } from './session-options.ts';

const rememberedPrompts = 8;

interface OpenTransformer {
  readonly model: VelocityModel;
  /** `keyOf` the LoRAs in use. */
  loras: string;
}

/**
 * The networks of one set of weights on one device, kept between clips. What is kept is what is dear: headers, prompt
 * contexts, and on a device with its own memory the transformer. Other sessions belong to the caller for one phase: they
 * open in about a tenth of a second over weights that stay in the page cache, and closing them returns their arena, so
 * that peak memory is that of the largest phase and not of all together.
 */
export class LoadedModel implements AsyncDisposable {
  readonly key: string;
  readonly bundle: Checkpoint;
  readonly audioConfig: AudioVaeConfig;
  readonly vocoderConfig: VocoderSizes;
  readonly #plan: Pick<Plan, 'weights' | 'device'>;
  /** By prompt and the LoRAs that change how it is read. */
  readonly #contexts = new Map<string, TextContexts>();
  #loras: readonly AppliedLora[] = [];
  #preview: LatentPreview | undefined;
  #transformer: OpenTransformer | undefined;

  private constructor(plan: Pick<Plan, 'weights' | 'device'>, bundle: Checkpoint) {
    this.key = LoadedModel.keyOf(plan);
    this.#plan = plan;
    this.bundle = bundle;
    this.audioConfig = audioVaeConfigOf(bundle);
    this.vocoderConfig = vocoderConfigOf(bundle);
  }

  static async open(plan: Pick<Plan, 'weights' | 'device'>): Promise<LoadedModel> {
    return new LoadedModel(plan, await openCheckpoint(plan.weights.bundle));
  }

  static keyOf({ weights, device }: Pick<Plan, 'weights' | 'device'>): string {
    return JSON.stringify([weights, device]);
  }

  /**
   * Applies LoRAs to all that follows. Their weights are read once, to see that they are numbers.
   *
   * @throws SoundstageError `input` at the field of one that cannot be used, `weights` for a camera's
   */
  async useLoras(choices: readonly LoraChoice[]): Promise<void> {
    const modules = adaptableModules(this.bundle);
    const known = new Set(this.#loras.map(({ lora }) => lora.key));
    const applied: AppliedLora[] = [];
    for (const choice of choices) {
      const lora = await usableLora(choice, modules);
      if (!known.has(lora.key)) await requireFiniteWeights(lora, choice.field);
      applied.push({ lora, strength: choice.scale });
    }
    this.#loras = applied;
  }

  /** Contexts of prompts, in order; those of the last few are remembered. */
  async encodePrompts(prompts: readonly string[]): Promise<TextContexts[]> {
    const ofText = this.#loras.filter(({ lora }) => [...lora.changes.keys()].some(isTextModule));
    const keyOf = (prompt: string): string => JSON.stringify([keyOfLoras(ofText), prompt]);
    const found = new Map(prompts.map((prompt) => [prompt, this.#contexts.get(keyOf(prompt))]));
    if ([...found.values()].includes(undefined)) {
      const { textEncoder, bundle } = this.#plan.weights;
      const adapters = mappedAdapters(ofText);
      const options = { encoder: textEncoder, bundle, adapters, target: this.#target, session: transformerSession };
      await using encoder = await PromptEncoder.open(options);
      for (const [prompt, known] of found) found.set(prompt, known ?? (await encodePrompt(encoder, prompt)));
    }
    return prompts.map((prompt) => {
      const contexts = found.get(prompt);
      if (contexts === undefined) throw new Error('unreachable');
      this.#remember(keyOf(prompt), contexts);
      return contexts;
    });
  }

  /** The transformer with the LoRAs. It stays the model's; a change of LoRAs keeps its weights where they are. */
  async transformer(): Promise<VelocityModel> {
    const options = { target: this.#target, session: transformerSession };
    this.#transformer ??= { model: new VelocityModel(this.bundle, options), loras: '[]' };
    const wanted = keyOfLoras(this.#loras);
    if (this.#transformer.loras !== wanted) {
      await this.#transformer.model.useLoras(this.#loras);
      this.#transformer.loras = wanted;
    }
    return this.#transformer.model;
  }

  /** Returns the transformer's activation memory, where opening it again costs next to nothing. */
  async finishDenoising(): Promise<void> {
    if (!this.#target.hasOwnMemory) await this.#closeTransformer();
  }

  audioEncoder(): Promise<Session> {
    return this.#open(networkGraph(audioEncoder, this.#target, this.bundle, this.audioConfig));
  }

  imageEncoder(): Promise<Session> {
    return this.#open(networkGraph(videoEncoder, this.#target, this.bundle, configOf(this.bundle, 'vae')));
  }

  async upsampler(): Promise<Session> {
    const upscaler = await openCheckpoint(this.#plan.weights.upscaler);
    const weights = joinCheckpoints(upscaler, this.bundle);
    return this.#open(networkGraph(latentUpsampler, this.#target, weights, upsamplerConfigOf(upscaler)));
  }

  videoDecoder(): Promise<Session> {
    return this.#open(networkGraph(videoDecoder, this.#target, this.bundle, configOf(this.bundle, 'vae')));
  }

  audioDecoder(): Promise<Session> {
    return this.#open(networkGraph(audioDecoder, this.#target, this.bundle, this.audioConfig));
  }

  vocoder(): Promise<Session> {
    return this.#open(networkGraph(vocoder, this.#target, this.bundle, this.vocoderConfig));
  }

  /** The map from latents to small pictures, fitted when first asked for. */
  async preview(): Promise<LatentPreview> {
    if (this.#preview === undefined) {
      await using decoder = await this.videoDecoder();
      this.#preview = await fitLatentPreview(decoder);
    }
    return this.#preview;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#closeTransformer();
  }

  get #target() {
    return graphTargets[this.#plan.device];
  }

  #open(graph: GraphModel): Promise<Session> {
    return Session.open(graph, convolutionSession);
  }

  /** Keeps the contexts used most recently. */
  #remember(key: string, contexts: TextContexts): void {
    this.#contexts.delete(key);
    this.#contexts.set(key, contexts);
    const [oldest] = this.#contexts.keys();
    if (this.#contexts.size > rememberedPrompts && oldest !== undefined) this.#contexts.delete(oldest);
  }

  async #closeTransformer(): Promise<void> {
    const open = this.#transformer;
    this.#transformer = undefined;
    await open?.model[Symbol.asyncDispose]();
  }
}

/** Tells LoRAs, or the same ones at other strengths, apart. */
function keyOfLoras(loras: readonly AppliedLora[]): string {
  return JSON.stringify(loras.map(({ lora, strength }) => [lora.key, strength]));
}

async function encodePrompt(encoder: PromptEncoder, prompt: string): Promise<TextContexts> {
  const { videoContext, audioContext } = await encoder.encode(prompt);
  return { video: withoutBatch(videoContext), audio: withoutBatch(audioContext) };
}

function withoutBatch<Tensor extends { readonly shape: readonly number[] }>(tensor: Tensor): Tensor {
  return { ...tensor, shape: tensor.shape.slice(1) };
}
