import type { Graph } from '../../graph/graph.ts';
import type { GraphTarget } from '../../graph/graph-target.ts';
import { type Residency, residentPieces } from '../../graph/memory/residency.ts';
import { drawNetwork, type Feeds } from '../../graph/network.ts';
import { floatTensor, type HostTensor, indexTensor } from '../../graph/runtime/host-tensor.ts';
import { SegmentedSession } from '../../graph/runtime/segmented-session.ts';
import { floats, type SessionOptions } from '../../graph/runtime/session.ts';
import type { Checkpoint } from '../../graph/weights/checkpoint.ts';
import { Lazy } from '../../shared/lazy.ts';
import type { TransformerConfig } from '../config.ts';
import { axisMidpoints, tokenRotaryFeed } from '../layers/rotary.ts';
import { mappedAdapters } from '../lora/adapters.ts';
import type { AppliedLora } from '../lora/lora.ts';
import type { TokenPositions } from '../sampling/positions.ts';
import type { Stream, Streams } from './block.ts';
import { TextKeyCache } from './text-key-cache.ts';
import { textKeys } from './text-keys.ts';
import { distinctTimesteps, sinusoidWidth, timestepSinusoid } from './timestep-sinusoid.ts';
import {
  blocksOf,
  feedForwardParts,
  streamWidths,
  type TransformerForm,
  transformer,
  transformerConfigOf,
} from './transformer.ts';

/** Text contexts `[S, H]` for both streams. */
export type TextContexts = Streams<HostTensor<'float32'>>;

export interface VelocityModelOptions {
  readonly target: GraphTarget;
  /** Applied from the start; `useLoras` changes them. */
  readonly loras?: readonly AppliedLora[];
  readonly session?: SessionOptions;
  /** How much of the weights is in the device's memory at a time. Default: all. */
  readonly residency?: Residency | undefined;
  /** Bytes that keys and values of the text may take, where the device has no memory of its own. Default: an eighth of the machine's. */
  readonly textKeyBytes?: number;
}

type StreamFeed = Feeds<typeof transformer>['video'];

/** What stays the same over all steps of one stage. */
export type StageFeeds = Streams<Pick<StreamFeed, 'rotary' | 'crossRotary' | TextFeed>>;

type TextFeed = 'context' | 'negativeContext' | 'textKeys' | 'negativeTextKeys';

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

/** The transformer with LoRAs. */
export function drawTransformer(
  checkpoint: Checkpoint,
  target: GraphTarget,
  form: TransformerForm,
  loras: readonly AppliedLora[],
): Graph {
  return drawNetwork(transformer, target, checkpoint, form, mappedAdapters(loras));
}

/**
 * Evaluates the transformer for whole streams. Owns its sessions, which it opens on demand: one per form of the graph in use, and
 * on a device with its own memory a single one for all full evaluations.
 */
export class VelocityModel implements AsyncDisposable {
  readonly config: TransformerConfig;
  readonly #checkpoint: Checkpoint;
  readonly #options: VelocityModelOptions;
  readonly #sessions = new Map<string, FormSession>();
  #loras: readonly AppliedLora[];
  #textKeys: TextKeyCache;

  constructor(checkpoint: Checkpoint, options: VelocityModelOptions) {
    this.#checkpoint = checkpoint;
    this.#options = options;
    this.#loras = options.loras ?? [];
    this.config = transformerConfigOf(checkpoint);
    this.#textKeys = this.#keyCache();
  }

  /** Applies other LoRAs from the next evaluation on, which opens the sessions again. */
  async useLoras(loras: readonly AppliedLora[]): Promise<void> {
    // First, because a failure must leave the former LoRAs in use as a whole.
    await this.#closeSessions();
    this.#loras = loras;
    this.#textKeys = this.#keyCache();
  }

  /** Works out what the rotary embedding of a stage needs and puts it together with the text. */
  prepareStage(video: TokenPositions, audio: TokenPositions, text: TextContexts, negative?: TextContexts): StageFeeds {
    const { config } = this;
    const theta = config.positional_embedding_theta;
    const widths = streamWidths(config);
    const videoMax = config.positional_embedding_max_pos;
    const audioMax = config.audio_positional_embedding_max_pos;
    const crossMax = [Math.max(videoMax[0], audioMax[0])];
    const axes = [0, 1, 2].map((axis) => axisMidpoints(video.bounds, video.tokens, axis));
    const videoTime = axes.slice(0, 1);
    const audioTime = [axisMidpoints(audio.bounds, audio.tokens, 0)];
    const table = (midpoints: readonly Float32Array[], dim: number, maxPositions: readonly number[]) =>
      tokenRotaryFeed(this.#options.target, midpoints, { dim, maxPositions, theta });
    return {
      video: {
        rotary: table(axes, widths.video, videoMax),
        crossRotary: table(videoTime, widths.audio, crossMax),
        context: text.video,
        negativeContext: negative?.video,
        textKeys: undefined,
        negativeTextKeys: undefined,
      },
      audio: {
        rotary: table(audioTime, widths.audio, audioMax),
        crossRotary: table(audioTime, widths.audio, crossMax),
        context: text.audio,
        negativeContext: negative?.audio,
        textKeys: undefined,
        negativeTextKeys: undefined,
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
    const { target } = this.#options;
    const wanted = {
      config: this.config,
      perToken: { video: differs(video), audio: differs(audio) },
      guidance: stage.video.negativeContext !== undefined,
      residuals: reuse.replay !== undefined ? ('replay' as const) : reuse.record ? ('record' as const) : undefined,
      hasTextKeys:
        !target.hasOwnMemory && this.#textKeys.holds(textsOf(stage, 'context'), textsOf(stage, 'negativeContext')),
      videoParts: feedForwardParts(target, this.config, video.timesteps.length),
    };
    // Before the session is open, beside which it would take its memory.
    const text = wanted.hasTextKeys ? await this.#keptText(stage, blocksOf(wanted)) : stage;
    const { form, session } = await this.#sessionFor(wanted);
    const feeds: Feeds<typeof transformer> = {
      video: { ...stage.video, ...text.video, ...this.#stepFeeds('video', video, form), residual: reuse.replay?.video },
      audio: { ...stage.audio, ...text.audio, ...this.#stepFeeds('audio', audio, form), residual: reuse.replay?.audio },
    };
    const outputs = ['video.velocity', 'audio.velocity'];
    if (reuse.record) outputs.push('video.residual', 'audio.residual');
    const results = await (await session.get()).run(feeds, outputs);
    const velocities = { video: floats(results, 'video.velocity').data, audio: floats(results, 'audio.velocity').data };
    if (!reuse.record) return velocities;
    const residuals = { video: floats(results, 'video.residual'), audio: floats(results, 'audio.residual') };
    return { ...velocities, residuals };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#closeSessions();
  }

  #keyCache(): TextKeyCache {
    const { target, session, residency, textKeyBytes } = this.#options;
    const draw = () => drawNetwork(textKeys, target, this.#checkpoint, this.config, mappedAdapters(this.#loras));
    return new TextKeyCache(this.config, { draw, session, residency, bytes: textKeyBytes });
  }

  /** What the first so many blocks make of the texts of a stage, in the place of the contexts. */
  async #keptText(stage: StageFeeds, blocks: number): Promise<Streams<Pick<StreamFeed, TextFeed>>> {
    const [positive, negative] = [textsOf(stage, 'context'), textsOf(stage, 'negativeContext')];
    const keys = positive && (await this.#textKeys.get(positive));
    const negativeKeys = negative && (await this.#textKeys.get(negative));
    const feed = (stream: Stream): Pick<StreamFeed, TextFeed> => ({
      context: undefined,
      negativeContext: undefined,
      textKeys: keys?.[stream].slice(0, blocks),
      negativeTextKeys: negativeKeys?.[stream].slice(0, blocks),
    });
    return { video: feed('video'), audio: feed('audio') };
  }

  async #closeSessions(isClosed: (form: TransformerForm) => boolean = () => true): Promise<void> {
    const closed = [...this.#sessions].filter(([, { form }]) => isClosed(form));
    for (const [key] of closed) this.#sessions.delete(key);
    for (const opened of await Promise.allSettled(closed.map(([, { session }]) => session.made))) {
      if (opened.status === 'fulfilled') await opened.value?.[Symbol.asyncDispose]();
    }
  }

  /** What is open and serves the purpose, or else a new session of just the form that is wanted. */
  async #sessionFor(wanted: TransformerForm): Promise<FormSession> {
    const { target, session: options, residency } = this.#options;
    const serves = target.hasOwnMemory ? includes : isRecordingOf;
    const known = [...this.#sessions.values()].find(({ form }) => serves(form, wanted));
    if (known !== undefined) return known;
    // Two with all the weights would not go into the device's memory, and those for another number of tokens hold memory for these.
    const stays = (form: TransformerForm): boolean =>
      target.hasOwnMemory ? isReplay(form) !== isReplay(wanted) : form.videoParts === wanted.videoParts;
    await this.#closeSessions((form) => !stays(form));
    const opened = new Lazy(() => {
      const form = { ...wanted, isCut: residency !== undefined };
      const graph = drawTransformer(this.#checkpoint, target, form, this.#loras);
      // Beside the blocks that stay there is room for what comes and goes only.
      const own = residency && isReplay(wanted) ? { ...residency, keptBytes: 0 } : residency;
      return SegmentedSession.open(residentPieces(graph, own), options);
    });
    const added = { form: wanted, session: opened };
    const { config: _, ...key } = wanted;
    this.#sessions.set(JSON.stringify(key), added);
    return added;
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
}

interface FormSession {
  readonly form: TransformerForm;
  readonly session: Lazy<SegmentedSession>;
}

function textsOf(
  { video, audio }: StageFeeds,
  name: 'context' | 'negativeContext',
): Feeds<typeof textKeys> | undefined {
  const texts = { video: video[name], audio: audio[name] };
  return texts.video === undefined || texts.audio === undefined
    ? undefined
    : { video: texts.video, audio: texts.audio };
}

function differs({ timesteps }: StreamStep): boolean {
  return timesteps.some((timestep) => timestep !== timesteps[0]);
}

function isReplay({ residuals }: TransformerForm): boolean {
  return residuals === 'replay';
}

/** Whether a graph does just what is wanted, and perhaps records as well. */
function isRecordingOf(form: TransformerForm, wanted: TransformerForm): boolean {
  const { video, audio } = wanted.perToken;
  return form.perToken.video === video && form.perToken.audio === audio && includes(form, wanted);
}

/** Whether a graph does what is wanted and perhaps more. */
function includes(form: TransformerForm, wanted: TransformerForm): boolean {
  const { perToken, guidance, residuals, hasTextKeys, videoParts } = wanted;
  return (
    (form.perToken.video || !perToken.video) &&
    (form.perToken.audio || !perToken.audio) &&
    form.guidance === guidance &&
    form.hasTextKeys === hasTextKeys &&
    form.videoParts === videoParts &&
    (form.residuals === residuals || (form.residuals === 'record' && residuals === undefined))
  );
}
