import type { GraphTarget } from '../../graph/graph-target.ts';
import { type Feeds, networkGraph } from '../../graph/network.ts';
import { floatTensor, type HostTensor, indexTensor } from '../../graph/runtime/host-tensor.ts';
import { floats, Session, type SessionOptions, type Tensors } from '../../graph/runtime/session.ts';
import type { Checkpoint } from '../../graph/weights/checkpoint.ts';
import { Lazy } from '../../shared/lazy.ts';
import type { TransformerConfig } from '../config.ts';
import { axisMidpoints, type RotaryFeed, rotaryTables } from '../layers/rotary.ts';
import { adapterFeeds, areInputs, inputAdapters, mappedAdapters } from '../lora/adapters.ts';
import type { AppliedLora } from '../lora/lora.ts';
import type { TokenPositions } from '../sampling/positions.ts';
import type { Stream, Streams } from './block.ts';
import { type LinearModule, transformerLinears } from './modules.ts';
import { distinctTimesteps, sinusoidWidth, timestepSinusoid } from './timestep-sinusoid.ts';
import { type TransformerForm, transformer, transformerConfigOf } from './transformer.ts';

/** Text contexts `[S, H]` for both streams. */
export type TextContexts = Streams<HostTensor<'float32'>>;

export interface VelocityModelOptions {
  readonly target: GraphTarget;
  /** Applied from the start; `useLoras` changes them. */
  readonly loras?: readonly AppliedLora[];
  readonly session?: SessionOptions;
}

type StreamFeed = Feeds<typeof transformer>['video'];

/** What stays the same over all steps of one stage. */
export type StageFeeds = Streams<Pick<StreamFeed, 'rotary' | 'crossRotary' | 'context' | 'negativeContext'>>;

/** One stream at one step. */
export interface StreamStep {
  /** `[tokens, channels]` flattened. */
  readonly tokens: Float32Array;
  /** mask·sigma per token. */
  readonly timesteps: Float32Array;
}

/** Whether an evaluation keeps its block residuals, or replays those of another. */
export interface ResidualUse {
  readonly record?: boolean;
  readonly replay?: BlockResiduals | undefined;
}

export type Velocities = Streams<Float32Array>;

/**
 * What all blocks but the first added to both streams at some step, kept to be replayed at a neighboring step.
 */
export type BlockResiduals = Streams<HostTensor<'float32'>>;

/**
 * Evaluates the transformer for whole streams. Owns its sessions, which it opens on demand: on the CPU one per graph
 * variant in use (weights are mapped and shared); on a device with its own memory one that serves every case.
 */
export class VelocityModel implements AsyncDisposable {
  readonly config: TransformerConfig;
  readonly #checkpoint: Checkpoint;
  readonly #options: VelocityModelOptions;
  readonly #sessions = new Map<string, Lazy<Session>>();
  readonly #linears: ReadonlyMap<string, LinearModule>;
  #loras: readonly AppliedLora[];
  #adapterFeeds: Lazy<Tensors>;

  constructor(checkpoint: Checkpoint, options: VelocityModelOptions) {
    this.#checkpoint = checkpoint;
    this.#options = options;
    this.#linears = transformerLinears(checkpoint);
    this.#loras = options.loras ?? [];
    this.#adapterFeeds = this.#feedsOf(this.#loras);
    this.config = transformerConfigOf(checkpoint);
  }

  /**
   * Applies other LoRAs from the next evaluation on. On a device with its own memory only their small matrices change and
   * the weights stay loaded, unless some are no plain pairs; on the CPU the sessions are opened again over the same mapped
   * weights.
   */
  async useLoras(loras: readonly AppliedLora[]): Promise<void> {
    // First, because a failure must leave the former LoRAs in use as a whole.
    if (!this.#adaptersAreInputs || !areInputs(this.#loras) || !areInputs(loras)) await this.#closeSessions();
    this.#loras = loras;
    this.#adapterFeeds = this.#feedsOf(loras);
  }

  /** Works out the rotary tables for a stage and puts them together with the text. */
  prepareStage(video: TokenPositions, audio: TokenPositions, text: TextContexts, negative?: TextContexts): StageFeeds {
    const { config } = this;
    const theta = config.positional_embedding_theta;
    const width = config.num_attention_heads * config.attention_head_dim;
    const audioWidth = config.audio_num_attention_heads * config.audio_attention_head_dim;
    const videoMax = config.positional_embedding_max_pos;
    const audioMax = config.audio_positional_embedding_max_pos;
    const crossMax = [Math.max(videoMax[0], audioMax[0])];
    const axes = [0, 1, 2].map((axis) => axisMidpoints(video.bounds, video.tokens, axis));
    const videoTime = axes.slice(0, 1);
    const audioTime = [axisMidpoints(audio.bounds, audio.tokens, 0)];
    const table = (midpoints: readonly Float32Array[], dim: number, maxPositions: readonly number[]): RotaryFeed =>
      rotaryTables(midpoints, { dim, maxPositions, theta });
    return {
      video: {
        rotary: table(axes, width, videoMax),
        crossRotary: table(videoTime, audioWidth, crossMax),
        context: text.video,
        negativeContext: negative?.video,
      },
      audio: {
        rotary: table(audioTime, audioWidth, audioMax),
        crossRotary: table(audioTime, audioWidth, crossMax),
        context: text.audio,
        negativeContext: negative?.audio,
      },
    };
  }

  /** Velocities of both streams; with `record`, the residuals to replay later as well. */
  async evaluate(
    stage: StageFeeds,
    video: StreamStep,
    audio: StreamStep,
    reuse: ResidualUse = {},
  ): Promise<Velocities & { residuals?: BlockResiduals }> {
    const form: TransformerForm = {
      config: this.config,
      perToken: { video: this.#differs(video), audio: this.#differs(audio) },
      guidance: stage.video.negativeContext !== undefined,
      residuals: this.#residuals(reuse),
    };
    const session = await this.#session(form);
    const feeds: Feeds<typeof transformer> = {
      video: { ...stage.video, ...this.#stepFeeds('video', video, form), residual: reuse.replay?.video },
      audio: { ...stage.audio, ...this.#stepFeeds('audio', audio, form), residual: reuse.replay?.audio },
    };
    const outputs = ['video.velocity', 'audio.velocity'];
    if (reuse.record) outputs.push('video.residual', 'audio.residual');
    const results = await session.run({ ...feeds, ...(await this.#loraFeeds(session)) }, outputs);
    const velocities = { video: floats(results, 'video.velocity').data, audio: floats(results, 'audio.velocity').data };
    if (!reuse.record) return velocities;
    const residuals = { video: floats(results, 'video.residual'), audio: floats(results, 'audio.residual') };
    return { ...velocities, residuals };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#closeSessions();
  }

  async #closeSessions(): Promise<void> {
    const sessions = [...this.#sessions.values()].map(({ made }) => made);
    this.#sessions.clear();
    for (const session of await Promise.allSettled(sessions)) {
      if (session.status === 'fulfilled') await session.value?.[Symbol.asyncDispose]();
    }
  }

  #session(form: TransformerForm): Promise<Session> {
    const keyOf = (residuals: TransformerForm['residuals']): string =>
      JSON.stringify([form.perToken, form.guidance, residuals]);
    // The recording graph does all that the plain one does; where it is open, no second one is needed.
    const recording = form.residuals === undefined ? this.#sessions.get(keyOf('record'))?.made : undefined;
    if (recording !== undefined) return recording;
    const key = keyOf(form.residuals);
    const known = this.#sessions.get(key);
    if (known !== undefined) return known.get();
    const { target, session } = this.#options;
    const adapters = this.#adaptersAreInputs ? inputAdapters(this.#loras) : mappedAdapters(this.#loras);
    const graph = networkGraph(transformer, target, this.#checkpoint, form, adapters);
    const opened = new Lazy(() => Session.open(graph, session));
    this.#sessions.set(key, opened);
    return opened.get();
  }

  #feedsOf(loras: readonly AppliedLora[]): Lazy<Tensors> {
    return new Lazy(() => adapterFeeds(loras, this.#linears));
  }

  get #adaptersAreInputs(): boolean {
    return this.#options.target.hasOwnMemory;
  }

  /** A device with its own memory gets the general graph always, so that its weights are loaded once. */
  #differs({ timesteps }: StreamStep): boolean {
    return this.#options.target.hasOwnMemory || timesteps.some((timestep) => timestep !== timesteps[0]);
  }

  /** On a device with its own memory the recording graph serves every full evaluation. */
  #residuals({ record, replay }: ResidualUse): TransformerForm['residuals'] {
    if (replay !== undefined) return 'replay';
    return record || this.#options.target.hasOwnMemory ? 'record' : undefined;
  }

  #stepFeeds(
    stream: Stream,
    { tokens, timesteps }: StreamStep,
    { perToken }: TransformerForm,
  ): Pick<StreamFeed, 'tokens' | 'timestep'> {
    const { values, index } = distinctTimesteps(timesteps);
    return {
      tokens: floatTensor(tokens, [timesteps.length, tokens.length / timesteps.length]),
      timestep: { sinusoid: this.#sinusoid(values), index: perToken[stream] ? indexTensor(index) : undefined },
    };
  }

  #sinusoid(timesteps: Float32Array): HostTensor<'float32'> {
    const scale = this.config.timestep_scale_multiplier;
    return floatTensor(timestepSinusoid(timesteps.map((timestep) => timestep * scale)), [
      timesteps.length,
      sinusoidWidth,
    ]);
  }

  /** Feeds for adapter inputs, restricted to the modules the session's graph contains. */
  async #loraFeeds(session: Session): Promise<Tensors> {
    if (!this.#adaptersAreInputs) return {};
    const feeds = await this.#adapterFeeds.get();
    return Object.fromEntries(
      session.model.inputs.flatMap(({ name }) => (feeds[name] === undefined ? [] : [[name, feeds[name]]])),
    );
  }
}
