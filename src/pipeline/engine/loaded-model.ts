import type { Graph } from '../../graph/graph.ts';
import { type DeviceKind, fallbackDevice, graphTargets } from '../../graph/graph-target.ts';
import { Session } from '../../graph/runtime/session.ts';
import { type Checkpoint, joinCheckpoints, openCheckpoint } from '../../graph/weights/checkpoint.ts';
import { adaptableModules, isTextModule } from '../../ltx2/adaptable-modules.ts';
import { audioVaeConfigOf } from '../../ltx2/audio/audio-latents.ts';
import { type VocoderSizes, vocoderConfigOf } from '../../ltx2/audio/vocoder.ts';
import type { AudioVaeConfig } from '../../ltx2/config.ts';
import { mappedAdapters } from '../../ltx2/lora/adapters.ts';
import { type AppliedLora, requireFiniteWeights } from '../../ltx2/lora/lora.ts';
import type { LatentSize } from '../../ltx2/sampling/positions.ts';
import { PromptEncoder } from '../../ltx2/text/context/prompt-encoder.ts';
import { type TextContexts, VelocityModel } from '../../ltx2/transformer/velocity.ts';
import { fitLatentPreview, type LatentPreview } from '../../ltx2/video/latent-preview.ts';
import { type MemoryPlan, placeBeside, type SidePhase } from '../plan/memory-plan.ts';
import type { LoraChoice, Plan } from '../plan/plan.ts';
import { usableLora } from '../usable-lora.ts';
import { type ClipImages, languageModelMemory, planClipMemory } from './clip-memory.ts';
import { type Int8CacheOptions, int8Linears } from './int8-cache.ts';
import { type SideNetworks, sideNetworks } from './networks.ts';
import { convolutionSession, soundSession, transformerSession } from './session-options.ts';

const rememberedPrompts = 8;

/** All weights stay, and everything fits. */
const unplanned: MemoryPlan = {
  transformer: undefined,
  text: undefined,
  heldBytes: 0,
  evictsTransformer: [],
  peaks: {},
};

/** What of a plan decides which networks are loaded where. */
type ModelSource = Pick<Plan, 'weights' | 'device'> & Partial<Pick<Plan, 'deviceMemory' | 'precision'>>;

interface OpenTransformer {
  readonly model: VelocityModel;
  readonly residency: MemoryPlan['transformer'];
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
  readonly #plan: ModelSource;
  readonly #side: SideNetworks;
  /** By prompt and the LoRAs that change how it is read. */
  readonly #contexts = new Map<string, TextContexts>();
  /** The bundle, with layers in eight bits where those are wanted and there. */
  #transformerWeights: Checkpoint;
  #loras: readonly AppliedLora[] = [];
  #memory: MemoryPlan = unplanned;
  #preview: LatentPreview | undefined;
  #transformer: OpenTransformer | undefined;

  private constructor(plan: ModelSource, bundle: Checkpoint) {
    this.key = LoadedModel.keyOf(plan);
    this.#plan = plan;
    this.bundle = bundle;
    this.#transformerWeights = bundle;
    this.#side = sideNetworks(this.#target, bundle, plan.weights.upscaler);
    this.audioConfig = audioVaeConfigOf(bundle);
    this.vocoderConfig = vocoderConfigOf(bundle);
  }

  static async open(plan: ModelSource): Promise<LoadedModel> {
    return new LoadedModel(plan, await openCheckpoint(plan.weights.bundle));
  }

  static keyOf({ weights, device, precision = 'exact' }: ModelSource): string {
    return JSON.stringify([weights, device, precision]);
  }

  /**
   * Sees to it that the transformer's weights are there in the precision of the plan.
   *
   * @throws SoundstageError `device` if they cannot be kept, `cancelled`
   */
  async preparePrecision(options: Int8CacheOptions): Promise<void> {
    if (this.#plan.precision !== 'int8' || this.#transformerWeights !== this.bundle) return;
    this.#transformerWeights = joinCheckpoints(this.bundle, await int8Linears(this.bundle, options));
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

  /**
   * Decides how the networks share the device's memory for a clip; undefined if nothing has to be decided.
   *
   * @throws SoundstageError `input` if the clip does not fit
   */
  async planMemory(plan: Plan, images: ClipImages): Promise<MemoryPlan | undefined> {
    const networks = { bundle: this.#transformerWeights, loras: this.#loras, textLoras: this.#textLoras };
    const memory = await planClipMemory(plan, images, networks);
    this.#memory = memory ?? unplanned;
    return memory;
  }

  /** The device on which there is room for the text encoder's language model. Closes the transformer if it is in the way. */
  async makeRoomForExpansion(): Promise<DeviceKind> {
    const { device, deviceMemory } = this.#plan;
    if (!this.#target.hasOwnMemory || deviceMemory === undefined) return device;
    const place = placeBeside(
      await languageModelMemory(this.#plan.weights.textEncoder, this.#target),
      this.#memory,
      deviceMemory,
    );
    if (place === 'nowhere') return fallbackDevice;
    if (place === 'alone') await this.#closeTransformer();
    return device;
  }

  /** Contexts of prompts, in order; those of the last few are remembered. */
  async encodePrompts(prompts: readonly string[]): Promise<TextContexts[]> {
    const ofText = this.#textLoras;
    const keyOf = (prompt: string): string => JSON.stringify([keyOfLoras(ofText), prompt]);
    const found = new Map(prompts.map((prompt) => [prompt, this.#contexts.get(keyOf(prompt))]));
    if ([...found.values()].includes(undefined)) {
      await this.#makeRoom('text');
      const { textEncoder, bundle } = this.#plan.weights;
      const options = {
        encoder: textEncoder,
        bundle,
        adapters: mappedAdapters(ofText),
        target: this.#target,
        session: transformerSession,
        residency: this.#memory.text,
      };
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

  /** The transformer with the LoRAs. It stays the model's, and open as long as the clips let it. */
  async transformer(): Promise<VelocityModel> {
    const { transformer: residency } = this.#memory;
    if (JSON.stringify(this.#transformer?.residency) !== JSON.stringify(residency)) await this.#closeTransformer();
    const options = { target: this.#target, session: transformerSession, residency };
    this.#transformer ??= { model: new VelocityModel(this.#transformerWeights, options), residency, loras: '[]' };
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
    return this.#open('audio', this.#side.audioEncoder(), soundSession);
  }

  imageEncoder(): Promise<Session> {
    return this.#open('images', this.#side.imageEncoder());
  }

  async upsampler(size?: LatentSize): Promise<Session> {
    // Elsewhere its memory was planned for the graph that takes any size.
    const drawn = this.#side.upsampler(this.#target.hasOwnMemory ? undefined : size);
    return this.#open('upscale', await drawn);
  }

  videoDecoder(): Promise<Session> {
    return this.#open('decode', this.#side.videoDecoder());
  }

  audioDecoder(): Promise<Session> {
    return this.#open('decode', this.#side.audioDecoder(), soundSession);
  }

  vocoder(): Promise<Session> {
    return this.#open('decode', this.#side.vocoder(), soundSession);
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

  get #textLoras(): readonly AppliedLora[] {
    return this.#loras.filter(({ lora }) => [...lora.changes.keys()].some(isTextModule));
  }

  async #open(phase: SidePhase, graph: Graph, options = convolutionSession): Promise<Session> {
    await this.#makeRoom(phase);
    return Session.open(graph.build(), options);
  }

  async #makeRoom(phase: SidePhase): Promise<void> {
    if (this.#memory.evictsTransformer.includes(phase)) await this.#closeTransformer();
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
