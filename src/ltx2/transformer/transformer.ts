import { symbol } from '../../graph/dimension.ts';
import type { Graph } from '../../graph/graph.ts';
import type { GraphTarget } from '../../graph/graph-target.ts';
import { floatInput, type InputType, indexInput, network } from '../../graph/network.ts';
import { add, affine, gelu, multiply, subtract } from '../../graph/operations/arithmetic.ts';
import { layerNormalize } from '../../graph/operations/layers.ts';
import { reshape, slice } from '../../graph/operations/shapes.ts';
import type { SameNames } from '../../graph/tensor-group.ts';
import { axisLength, type Value } from '../../graph/value.ts';
import type { Checkpoint } from '../../graph/weights/checkpoint.ts';
import type { ModuleWeights } from '../../graph/weights/module-weights.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { configOf, type TransformerConfig } from '../config.ts';
import { tokenRotaryInput, tokenRotaryTables } from '../layers/rotary.ts';
import { type Stream, type StreamConditions, type Streams, transformerBlock } from './block.ts';
import { type Modulation, perToken, type StreamTimesteps, timestepModulation } from './modulation.ts';
import { transformerPath } from './modules.ts';
import { type Residual, settledResidual } from './residual.ts';
import { sinusoidWidth } from './timestep-sinusoid.ts';

/** The sizes of the transformer, and which of its parts a graph has. */
export interface TransformerForm {
  readonly config: TransformerConfig;
  /** Streams whose tokens differ in timestep; the others take one timestep, which saves passes over the activations. */
  readonly perToken: Streams<boolean>;
  /** Takes the contexts of a negative prompt. */
  readonly guidance?: boolean;
  /**
   * `record`: also output what the blocks after the first add to both streams. `replay`: run the first block only and
   * take that sum as an input.
   */
  readonly residuals?: 'record' | 'replay' | undefined;
  /** Blocks hand on the streams and nothing else, so that little crosses where the graph is cut between them. */
  readonly isCut?: boolean;
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
  const { config, guidance, residuals } = form;
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
    context: floatInput(symbol('S'), config.caption_channels),
    negativeContext: when(guidance, floatInput(symbol('S_negative'), config.caption_channels)),
    /** To be replayed. */
    residual: when(residuals === 'replay', floatInput(N, 2 * angles)),
  };
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
  { config, residuals, isCut = false }: TransformerForm,
  cross: CrossTimesteps,
): Record<'velocity' | 'first' | 'last', Streams<Value>> {
  const weights = root.at(transformerPath);
  const { norm_eps: epsilon, num_layers: layers } = config;
  const conditions = streamConditions(weights, { video, audio }, config, cross);
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
    video: velocityHead(weights, '', last.video, conditions.video.modulation, epsilon), // [Nv, C]
    audio: velocityHead(weights, 'audio_', last.audio, conditions.audio.modulation, epsilon), // [Na, Ca]
  };
  return { velocity, first, last };
}

/** What the blocks are told: text, timesteps and positions. */
function streamConditions(
  weights: ModuleWeights,
  { video, audio }: Streams<StreamValues>,
  config: TransformerConfig,
  { scaleShift, gate }: CrossTimesteps,
): Streams<StreamConditions> {
  const modulation = (module: string, timestep: StreamTimesteps): Modulation =>
    timestepModulation(weights.at(module), timestep);
  const theta = config.positional_embedding_theta;
  const widths = streamWidths(config);
  return {
    video: {
      heads: config.num_attention_heads,
      ...textContexts(weights.at('caption_projection'), video),
      modulation: modulation('adaln_single', video.timestep),
      crossModulation: modulation('av_ca_video_scale_shift_adaln_single', scaleShift.video),
      crossGate: modulation('av_ca_a2v_gate_adaln_single', gate.video),
      rotary: tokenRotaryTables(video.rotary, { dim: widths.video, theta }),
      crossRotary: tokenRotaryTables(video.crossRotary, { dim: widths.audio, theta }),
    },
    audio: {
      heads: config.audio_num_attention_heads,
      ...textContexts(weights.at('audio_caption_projection'), audio),
      modulation: modulation('audio_adaln_single', audio.timestep),
      crossModulation: modulation('av_ca_audio_scale_shift_adaln_single', scaleShift.audio),
      crossGate: modulation('av_ca_v2a_gate_adaln_single', gate.audio),
      rotary: tokenRotaryTables(audio.rotary, { dim: widths.audio, theta }),
      crossRotary: tokenRotaryTables(audio.crossRotary, { dim: widths.audio, theta }),
    },
  };
}

/** Contexts `[S, H]` → `[S, D]`. */
function textContexts(
  weights: ModuleWeights,
  { context, negativeContext }: StreamValues,
): Pick<StreamConditions, 'context' | 'negativeContext'> {
  const projected = (rows: Value): Value => weights.linear(gelu(weights.linear(rows, 'linear_1')), 'linear_2'); // [S, D]
  return {
    context: projected(context),
    negativeContext: negativeContext === undefined ? undefined : projected(negativeContext),
  };
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
  conditions: Streams<StreamConditions>,
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
      const result = transformerBlock(block, residual, conditions, epsilon);
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
