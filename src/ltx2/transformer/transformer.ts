import { symbol } from '../../graph/dimension.ts';
import type { Graph } from '../../graph/graph.ts';
import type { GraphTarget } from '../../graph/graph-target.ts';
import { floatInput, type InputType, indexInput, network } from '../../graph/network.ts';
import { add, affine, multiply, subtract } from '../../graph/operations/arithmetic.ts';
import { withoutBias } from '../../graph/operations/biased.ts';
import { layerNormalize } from '../../graph/operations/layers.ts';
import { reshape, slice } from '../../graph/operations/shapes.ts';
import type { SameNames } from '../../graph/tensor-group.ts';
import { axisLength, type Value } from '../../graph/value.ts';
import type { Checkpoint } from '../../graph/weights/checkpoint.ts';
import type { ModuleWeights } from '../../graph/weights/module-weights.ts';
import { elementAt } from '../../shared/element-at.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { configOf, type TransformerConfig } from '../config.ts';
import { feedForwardRows, type KeysAndValues } from '../layers/attention.ts';
import { tokenRotaryInput, tokenRotaryTables } from '../layers/rotary.ts';
import { type Stream, type StreamConditions, type Streams, transformerBlock } from './block.ts';
import { type Modulation, perToken, type StreamTimesteps, timestepModulation } from './modulation.ts';
import { transformerPath } from './modules.ts';
import { type Residual, settledResidual } from './residual.ts';
import { type BlockText, projectedText } from './text-keys.ts';
import { sinusoidWidth } from './timestep-sinusoid.ts';

/** The sizes of the transformer, and which of its parts a graph has. */
export interface TransformerForm {
  readonly config: TransformerConfig;
  /** Streams whose tokens differ in timestep; the others take one timestep, which saves passes over the activations. */
  readonly perToken: Streams<boolean>;
  /** Takes the contexts of a negative prompt. */
  readonly guidance?: boolean;
  /** Takes every block's keys and values of the text, which `textKeys` works out, instead of the contexts. */
  readonly hasTextKeys?: boolean;
  /**
   * `record`: also output what the blocks after the first add to both streams. `replay`: run the first block only and
   * take that sum as an input.
   */
  readonly residuals?: 'record' | 'replay' | undefined;
  /** Blocks hand on the streams and nothing else, so that little crosses where the graph is cut between them. */
  readonly isCut?: boolean;
  /** Parts that the feed-forward of the video's tokens is computed in: `feedForwardParts`. Default: 1 */
  readonly videoParts?: number | undefined;
}

/** In narrower layers there is little to gain, and the runtime shares out their rows among threads, which need many. */
const minPartedWidth = 1024;

/**
 * Parts in which the feed-forward of so many tokens of video should be computed. What lies between its layers is four times as wide as
 * the stream: in parts it takes a processor a fraction of the memory, and a few percent less time, since it stays in the caches.
 */
export function feedForwardParts({ hasOwnMemory }: GraphTarget, config: TransformerConfig, tokens: number): number {
  if (hasOwnMemory || streamWidths(config).video < minPartedWidth) return 1;
  return Math.max(1, Math.round(tokens / feedForwardRows));
}

export function transformerConfigOf(checkpoint: Checkpoint): TransformerConfig {
  const config = configOf(checkpoint, 'transformer');
  // The gates of the cross-modal modules would otherwise need sinusoids of their own.
  if (config.av_ca_timestep_scale_multiplier !== config.timestep_scale_multiplier) {
    throw new SoundstageError('weights', `${checkpoint.path} scales its timesteps in two ways, which is not supported`);
  }
  return config;
}

/** Widths of both streams, D. */
export function streamWidths(config: TransformerConfig): Streams<number> {
  return {
    video: config.num_attention_heads * config.attention_head_dim,
    audio: config.audio_num_attention_heads * config.audio_attention_head_dim,
  };
}

/** What both streams take: see `streamInputs`. */
export function transformerInputs(form: TransformerForm, target: GraphTarget) {
  const { config } = form;
  const widths = streamWidths(config);
  const shared = { form, target, crossAngles: widths.audio / 2 };
  return {
    video: streamInputs('video', {
      ...shared,
      tokens: 'Nv',
      channels: config.in_channels,
      angles: widths.video / 2,
      axes: 3,
    }),
    audio: streamInputs('audio', {
      ...shared,
      tokens: 'Na',
      channels: config.audio_in_channels,
      angles: widths.audio / 2,
      axes: 1,
    }),
  };
}

interface StreamSizes {
  readonly form: TransformerForm;
  readonly target: GraphTarget;
  /** Name of the number of tokens. */
  readonly tokens: string;
  readonly channels: number;
  readonly angles: number;
  readonly crossAngles: number;
  /** Of the positions. */
  readonly axes: number;
}

/** What one stream takes, for N tokens in U distinct timesteps. */
function streamInputs(stream: Stream, { form, target, tokens, channels, angles, crossAngles, axes }: StreamSizes) {
  const { config, guidance, residuals, hasTextKeys } = form;
  const N = symbol(tokens);
  const U = form.perToken[stream] ? symbol(`distinct_${stream}`) : 1;
  const when = (wanted: boolean | undefined, input: InputType): InputType | undefined => (wanted ? input : undefined);
  return {
    tokens: floatInput(N, channels),
    timestep: {
      sinusoid: floatInput(U, sinusoidWidth),
      index: when(form.perToken[stream], indexInput(N)),
    },
    rotary: tokenRotaryInput(target, N, angles, axes),
    crossRotary: tokenRotaryInput(target, N, crossAngles, 1),
    context: when(!hasTextKeys, floatInput(symbol('S'), config.caption_channels)),
    negativeContext: when(guidance && !hasTextKeys, floatInput(symbol('S_negative'), config.caption_channels)),
    textKeys: hasTextKeys ? blockTexts(form, floatInput(symbol('S'), 2 * angles)) : undefined,
    negativeTextKeys:
      guidance && hasTextKeys ? blockTexts(form, floatInput(symbol('S_negative'), 2 * angles)) : undefined,
    /** To be replayed. */
    residual: when(residuals === 'replay', floatInput(N, 2 * angles)),
  };
}

/** An input for the keys and one for the values of every block that is run. */
function blockTexts(form: TransformerForm, rows: InputType): readonly BlockText<InputType>[] {
  return Array.from({ length: blocksOf(form) }, () => ({ keys: rows, values: rows }));
}

/** Blocks that a graph runs. */
export function blocksOf({ config, residuals }: TransformerForm): number {
  return residuals === 'replay' ? 1 : config.num_layers;
}

type StreamValues = SameNames<ReturnType<typeof streamInputs>, Value>;

/**
 * The audio-video transformer: one evaluation of both streams. Outputs, for each: `velocity [N, C]` and, where it is recorded,
 * `residual [N, D]`.
 */
export const transformer = network({
  inputs: transformerInputs,

  build(graph, weights, inputs, form) {
    const own = { video: inputs.video.timestep, audio: inputs.audio.timestep };
    const { velocity, first, last } = evaluateStreams(graph, weights, inputs, form, { scaleShift: own, gate: own });
    const residual = (stream: Stream): Value | undefined =>
      form.residuals === 'record' ? subtract(last[stream], first[stream]) : undefined; // [N, D]
    return {
      video: { velocity: velocity.video, residual: residual('video') },
      audio: { velocity: velocity.audio, residual: residual('audio') },
    };
  },
});

/** Which timesteps the modules between the streams see. The 19B weights were released for each stream's own. */
export interface CrossTimesteps {
  readonly scaleShift: Streams<StreamTimesteps>;
  readonly gate: Streams<StreamTimesteps>;
}

/** Velocities `[N, C]`, and both residual streams `[N, D]` after the first and after the last block. */
export function evaluateStreams(
  graph: Graph,
  root: ModuleWeights,
  { video, audio }: Streams<StreamValues>,
  form: TransformerForm,
  cross: CrossTimesteps,
): Record<'velocity' | 'first' | 'last', Streams<Value>> {
  const { config, residuals, isCut = false } = form;
  const weights = root.at(transformerPath);
  const { norm_eps: epsilon, num_layers: layers } = config;
  const conditions = streamConditions(weights, { video, audio }, form, cross);
  const blocks = (streams: Streams<Value>, from: number, to: number): Streams<Value> =>
    runBlocks(graph, weights, streams, conditions, { from, to, isCut }, epsilon);

  const embedded = {
    video: weights.linear(video.tokens, 'patchify_proj'), // [Nv, D]
    audio: weights.linear(audio.tokens, 'audio_patchify_proj'), // [Na, A]
  };
  const first = blocks(embedded, 0, 1); // [Nv, D], [Na, A]
  const last =
    residuals === 'replay'
      ? { video: replayed(first.video, video), audio: replayed(first.audio, audio) } // [Nv, D], [Na, A]
      : blocks(first, 1, layers); // [Nv, D], [Na, A]
  graph.beginPart();
  const velocity = {
    video: velocityHead(weights, '', last.video, conditions.modulation.video, epsilon), // [Nv, C]
    audio: velocityHead(weights, 'audio_', last.audio, conditions.modulation.audio, epsilon), // [Na, Ca]
  };
  return { velocity, first, last };
}

/** What a block is told: text, timesteps and positions. */
function streamConditions(
  weights: ModuleWeights,
  { video, audio }: Streams<StreamValues>,
  { config, videoParts }: TransformerForm,
  { scaleShift, gate }: CrossTimesteps,
): Conditions {
  const modulation = (module: string, timestep: StreamTimesteps): Modulation =>
    timestepModulation(weights.at(module), timestep);
  const theta = config.positional_embedding_theta;
  const widths = streamWidths(config);
  const text = {
    video: blockContexts(weights.at('caption_projection'), video),
    audio: blockContexts(weights.at('audio_caption_projection'), audio),
  };
  const shared = {
    video: {
      heads: config.num_attention_heads,
      modulation: modulation('adaln_single', video.timestep),
      crossModulation: modulation('av_ca_video_scale_shift_adaln_single', scaleShift.video),
      crossGate: modulation('av_ca_a2v_gate_adaln_single', gate.video),
      rotary: tokenRotaryTables(video.rotary, { dim: widths.video, theta }),
      crossRotary: tokenRotaryTables(video.crossRotary, { dim: widths.audio, theta }),
      feedForwardParts: videoParts,
    },
    audio: {
      heads: config.audio_num_attention_heads,
      modulation: modulation('audio_adaln_single', audio.timestep),
      crossModulation: modulation('av_ca_audio_scale_shift_adaln_single', scaleShift.audio),
      crossGate: modulation('av_ca_v2a_gate_adaln_single', gate.audio),
      rotary: tokenRotaryTables(audio.rotary, { dim: widths.audio, theta }),
      crossRotary: tokenRotaryTables(audio.crossRotary, { dim: widths.audio, theta }),
    },
  };
  const ofBlock = (block: number): Streams<StreamConditions> => ({
    video: { ...shared.video, ...text.video(block) },
    audio: { ...shared.audio, ...text.audio(block) },
  });
  return { ofBlock, modulation: { video: shared.video.modulation, audio: shared.audio.modulation } };
}

interface Conditions {
  ofBlock(block: number): Streams<StreamConditions>;
  readonly modulation: Streams<Modulation>;
}

type TextConditions = Pick<StreamConditions, 'context' | 'negativeContext'>;

/** What each block attends to of the text: contexts `[S, H]` that are projected to `[S, D]`, or what it is given. */
function blockContexts(weights: ModuleWeights, inputs: StreamValues): (block: number) => TextConditions {
  const { context, negativeContext, textKeys, negativeTextKeys } = inputs;
  if (textKeys !== undefined) {
    return (block) => ({
      context: givenText(textKeys, block),
      negativeContext: negativeTextKeys && givenText(negativeTextKeys, block),
    });
  }
  if (context === undefined) throw new Error('there is no text');
  const projected = {
    context: withoutBias(projectedText(weights, context)), // [S, D]
    negativeContext: negativeContext && withoutBias(projectedText(weights, negativeContext)), // [S, D]
  };
  return () => projected;
}

function givenText(blocks: readonly BlockText<Value>[], block: number): KeysAndValues {
  const { keys, values } = elementAt(blocks, block);
  return { keys, values: withoutBias(values) };
}

interface BlockRange {
  readonly from: number;
  /** One more than the last. */
  readonly to: number;
  readonly isCut: boolean;
}

/** A range of blocks over both residual streams `[N, D]`. */
function runBlocks(
  graph: Graph,
  weights: ModuleWeights,
  streams: Streams<Value>,
  conditions: Conditions,
  { from, to, isCut }: BlockRange,
  epsilon: number,
): Streams<Value> {
  const unchanged = ({ video, audio }: Streams<Value>): Streams<Residual> => ({
    video: { stream: video },
    audio: { stream: audio },
  });
  const settled = ({ video, audio }: Streams<Residual>): Streams<Value> => ({
    video: settledResidual(video),
    audio: settledResidual(audio),
  });
  let residual = unchanged(streams); // [Nv, D], [Na, A]
  for (let i = from; i < to; i++) {
    graph.beginPart();
    const block = weights.at(`transformer_blocks.${i}`);
    residual = graph.scoped(`block${i}`, () => {
      const result = transformerBlock(block, residual, conditions.ofBlock(i), epsilon);
      return isCut ? unchanged(settled(result)) : result;
    });
  }
  return settled(residual);
}

/** The stream after all blocks, `[N, D]`, with what those after the first added at another step. */
function replayed(first: Value, { residual }: StreamValues): Value {
  if (residual === undefined) throw new Error('there is no residual to replay');
  return add(first, residual);
}

/** LayerNorm, shift and scale by the embedded timestep, projection to latent channels: `x [N, D]` → `[N, C]`. */
function velocityHead(
  weights: ModuleWeights,
  prefix: '' | 'audio_',
  x: Value,
  { embedded, index }: Modulation,
  epsilon: number,
): Value {
  const table = weights.parameter(`${prefix}scale_shift_table`); // [2, D]
  const shift = add(embedded, slice(table, 0, 0, 1)); // [U, D]
  const scale = affine(add(embedded, slice(table, 0, 1, 2)), 1, 1); // [U, D]
  const projected = (modulated: Value): Value => weights.linear(modulated, `${prefix}proj_out`); // [N, C]
  if (index === undefined) {
    // The norm's own scale and bias: [D].
    const [weight, bias] = [scale, shift].map((row) => reshape(row, [axisLength(x, 1)]));
    return projected(layerNormalize(x, epsilon, weight, bias));
  }
  const scaled = multiply(layerNormalize(x, epsilon), perToken({ values: scale, index })); // [N, D]
  return projected(add(scaled, perToken({ values: shift, index })));
}
