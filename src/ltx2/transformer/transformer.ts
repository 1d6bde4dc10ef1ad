import { symbol } from '../../graph/dimension.ts';
import { Graph } from '../../graph/graph.ts';
import type { GraphModel } from '../../graph/graph-model.ts';
import type { GraphTarget } from '../../graph/graph-target.ts';
import { add, affine, gelu, multiply, subtract } from '../../graph/operations/arithmetic.ts';
import { layerNormalize } from '../../graph/operations/layers.ts';
import { gather, slice } from '../../graph/operations/shapes.ts';
import type { Value } from '../../graph/value.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { type Checkpoint, configSection } from '../checkpoint.ts';
import { parseConfig, type TransformerConfig } from '../config.ts';
import { type Adapters, ModuleWeights } from '../module-weights.ts';
import { sinusoidWidth } from '../sampling/timesteps.ts';
import { type StreamConditions, type Streams, transformerBlock } from './block.ts';
import { type Modulation, type StreamTimesteps, timestepModulation } from './modulation.ts';
import { transformerPrefix } from './modules.ts';

/**
 * Which timesteps the cross-modal modules see: each stream's `own` (as the 19B weights were released), the other
 * stream's scalar sigma (`cross`), or own for scale and shift but the other's for the gates (`own_ss_cross_gate`).
 */
export type TimestepVariant = 'own' | 'cross' | 'own_ss_cross_gate';

export interface TransformerOptions {
  readonly variant: TimestepVariant;
  readonly adapters?: Adapters | undefined;
  /** Streams whose tokens differ in timestep; the others take one timestep, which saves passes over the activations. */
  readonly perToken: { readonly video: boolean; readonly audio: boolean };
  /** Adds inputs for the contexts of a negative prompt. */
  readonly guidance?: boolean;
  /**
   * `record`: also output what the blocks after the first add to both streams. `replay`: run the first block only and
   * take that sum as an input.
   */
  readonly residuals?: 'record' | 'replay' | undefined;
  /** Also output both streams after the first block. */
  readonly exposeFirstBlock?: boolean;
}

export function transformerConfigOf(checkpoint: Checkpoint): TransformerConfig {
  const config = parseConfig('transformer', configSection(checkpoint, 'transformer'), checkpoint.path);
  // The gates of the cross-modal modules would otherwise need sinusoids of their own.
  if (config.av_ca_timestep_scale_multiplier !== config.timestep_scale_multiplier) {
    throw new SoundstageError('weights', `${checkpoint.path} scales its timesteps in two ways, which is not supported`);
  }
  return config;
}

/**
 * The audio-video transformer: one evaluation of both streams' velocities. Inputs are float32 unless said:
 * - `video_tokens [Nv, C]`, `audio_tokens [Na, Ca]`
 * - `video_timestep [distinct, 256]` sinusoids and, per token, `video_timestep_index [Nv]` int64; the same for audio
 * - `video_sigma [1, 256]`, `audio_sigma [1, 256]` sinusoids, except in variant `own`
 * - `video_cos/sin [Nv, D/2]`, `audio_cos/sin [Na, A/2]`, `video_cross_cos/sin [Nv, A/2]`, `audio_cross_cos/sin`
 * - `video_context`, `audio_context [S, H]` and, with guidance, `video_negative_context`, `audio_negative_context`
 *
 * Outputs: `video_velocity [Nv, C]`, `audio_velocity [Na, Ca]`.
 */
export function transformerGraph(checkpoint: Checkpoint, target: GraphTarget, options: TransformerOptions): GraphModel {
  const config = transformerConfigOf(checkpoint);
  const g = new Graph(target);
  const w = new ModuleWeights(g, checkpoint, transformerPrefix, options.adapters);
  const { norm_eps: epsilon, num_layers: layers } = config;

  const timesteps = { video: streamTimesteps(g, 'video', options), audio: streamTimesteps(g, 'audio', options) };
  const modulation = {
    video: timestepModulation(w.at('adaln_single'), timesteps.video),
    audio: timestepModulation(w.at('audio_adaln_single'), timesteps.audio),
  };
  const cross = crossModulations(g, w, timesteps, options.variant);
  const video: StreamConditions = {
    ...streamInputs(g, w, 'video', config, options),
    modulation: modulation.video,
    crossModulation: cross.videoScaleShift,
    crossGate: cross.audioToVideoGate,
  };
  const audio: StreamConditions = {
    ...streamInputs(g, w, 'audio', config, options),
    modulation: modulation.audio,
    crossModulation: cross.audioScaleShift,
    crossGate: cross.videoToAudioGate,
  };

  let streams: Streams = {
    video: w.linear(g.activation('video_tokens', [symbol('Nv'), config.in_channels]), 'patchify_proj'), // [Nv, D]
    audio: w.linear(g.activation('audio_tokens', [symbol('Na'), config.audio_in_channels]), 'audio_patchify_proj'),
  };
  const blocks = (from: number, to: number): void => {
    for (let i = from; i < to; i++) {
      const block = w.at(`transformer_blocks.${i}`);
      streams = g.scoped(`block${i}`, () => transformerBlock(g, block, streams, video, audio, epsilon));
    }
  };
  blocks(0, 1);
  const first = streams;
  if (options.exposeFirstBlock) outputStreams(g, 'block0', first);
  if (options.residuals === 'replay') {
    streams = mapStreams((kind) => add(first[kind], g.activation(`${kind}_residual`, first[kind].shape)));
  } else {
    blocks(1, layers);
  }
  if (options.residuals === 'record') {
    outputStreams(
      g,
      'residual',
      mapStreams((kind) => subtract(streams[kind], first[kind])),
    );
  }

  g.output('video_velocity', velocityHead(w, '', streams.video, modulation.video, epsilon)); // [Nv, C]
  g.output('audio_velocity', velocityHead(w, 'audio_', streams.audio, modulation.audio, epsilon)); // [Na, Ca]
  return g.build();
}

function streamTimesteps(g: Graph, kind: 'video' | 'audio', { perToken }: TransformerOptions): StreamTimesteps {
  const distinct = perToken[kind] ? symbol(`distinct_${kind}`) : 1;
  return {
    sinusoid: g.activation(`${kind}_timestep`, [distinct, sinusoidWidth]),
    index: perToken[kind] ? g.input(`${kind}_timestep_index`, 'int64', [symbol(tokenSymbols[kind])]) : undefined,
  };
}

const tokenSymbols = { video: 'Nv', audio: 'Na' } as const;

interface CrossModulations {
  readonly videoScaleShift: Modulation;
  readonly audioScaleShift: Modulation;
  readonly audioToVideoGate: Modulation;
  readonly videoToAudioGate: Modulation;
}

function crossModulations(
  g: Graph,
  w: ModuleWeights,
  own: Record<'video' | 'audio', StreamTimesteps>,
  variant: TimestepVariant,
): CrossModulations {
  const sigma = (kind: 'video' | 'audio'): StreamTimesteps => ({
    sinusoid: g.activation(`${kind}_sigma`, [1, sinusoidWidth]),
    index: undefined,
  });
  const other = variant === 'own' ? own : { video: sigma('audio'), audio: sigma('video') };
  const scaleShift = variant === 'cross' ? other : own;
  return {
    videoScaleShift: timestepModulation(w.at('av_ca_video_scale_shift_adaln_single'), scaleShift.video),
    audioScaleShift: timestepModulation(w.at('av_ca_audio_scale_shift_adaln_single'), scaleShift.audio),
    audioToVideoGate: timestepModulation(w.at('av_ca_a2v_gate_adaln_single'), other.video),
    videoToAudioGate: timestepModulation(w.at('av_ca_v2a_gate_adaln_single'), other.audio),
  };
}

function streamInputs(
  g: Graph,
  w: ModuleWeights,
  kind: 'video' | 'audio',
  config: TransformerConfig,
  { guidance }: TransformerOptions,
): Pick<StreamConditions, 'heads' | 'context' | 'negativeContext' | 'rope' | 'crossRope'> {
  const heads = kind === 'video' ? config.num_attention_heads : config.audio_num_attention_heads;
  const headDim = kind === 'video' ? config.attention_head_dim : config.audio_attention_head_dim;
  const crossWidth = config.audio_num_attention_heads * config.audio_attention_head_dim;
  const tokens = symbol(tokenSymbols[kind]);
  const rope = (name: string, width: number) => ({
    cos: g.activation(`${name}_cos`, [tokens, width / 2]),
    sin: g.activation(`${name}_sin`, [tokens, width / 2]),
  });
  const prefix = kind === 'video' ? '' : 'audio_';
  const context = (name: string, length: string): Value => {
    const rows = g.activation(name, [symbol(length), config.caption_channels]); // [S, H]
    const hidden = gelu(w.linear(rows, `${prefix}caption_projection.linear_1`)); // [S, D]
    return w.linear(hidden, `${prefix}caption_projection.linear_2`); // [S, D]
  };
  return {
    heads,
    context: context(`${kind}_context`, 'S'),
    negativeContext: guidance ? context(`${kind}_negative_context`, 'S_negative') : undefined,
    rope: rope(kind, heads * headDim),
    crossRope: rope(`${kind}_cross`, crossWidth),
  };
}

/** LayerNorm, shift and scale by the embedded timestep, projection to latent channels. */
function velocityHead(
  w: ModuleWeights,
  prefix: '' | 'audio_',
  x: Value,
  { embedded, index }: Modulation,
  epsilon: number,
): Value {
  const table = w.parameter(`${prefix}scale_shift_table`); // [2, D]
  const [shift, scale] = [0, 1].map((row) => add(embedded, slice(table, 0, row, row + 1))) as [Value, Value]; // [U, D]
  const spread = (row: Value): Value => (index === undefined ? row : gather(row, index));
  const scaled = multiply(layerNormalize(x, epsilon), spread(affine(scale, 1, 1))); // [N, D]
  return w.linear(add(scaled, spread(shift)), `${prefix}proj_out`); // [N, C]
}

function outputStreams(g: Graph, name: string, streams: Streams): void {
  g.output(`video_${name}`, streams.video);
  g.output(`audio_${name}`, streams.audio);
}

function mapStreams(make: (kind: 'video' | 'audio') => Value): Streams {
  return { video: make('video'), audio: make('audio') };
}
