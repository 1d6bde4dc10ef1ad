import type { RotaryTables } from '../../graph/operations/attention.ts';
import { type Biased, withoutBias } from '../../graph/operations/biased.ts';
import { slice } from '../../graph/operations/shapes.ts';
import type { Value } from '../../graph/value.ts';
import type { ModuleWeights } from '../../graph/weights/module-weights.ts';
import { attention, feedForward, type KeysAndValues } from '../layers/attention.ts';
import { type Modulation, type ModulationRow, modulationRows } from './modulation.ts';
import { dividedGate, modulatedRms, normalizedResidual, type Residual, type ScaleShift, updated } from './residual.ts';

/** Something for both streams. Where a shape has N and D, they are tokens and width of the video, or of the audio. */
export type Streams<Item> = { readonly video: Item; readonly audio: Item };

export type Stream = keyof Streams<unknown>;

/** Whether a pass over the tokens of a stream costs more than one over the weights of a layer. */
const hasManyTokens: Streams<boolean> = { video: true, audio: false };

/** What one stream brings to every block. */
export interface StreamConditions {
  readonly heads: number;
  /** Projected text `[S, D]`, or the block's keys and values of it. */
  readonly context: Biased | KeysAndValues;
  readonly negativeContext: Biased | KeysAndValues | undefined;
  /** Six rows: shift, scale, gate of attention; shift, scale, gate of the feed-forward. */
  readonly modulation: Modulation;
  /** Four rows: scale and shift for audio→video, scale and shift for video→audio. */
  readonly crossModulation: Modulation;
  /** One row: the gate of the cross attention that writes to this stream. */
  readonly crossGate: Modulation;
  /** Tables `[N, D/2]`. */
  readonly rotary: RotaryTables;
  /** Tables `[N, A/2]`, A being the width of the audio. */
  readonly crossRotary: RotaryTables;
  /** Parts in which the feed-forward is computed, one after another. Default: 1 */
  readonly feedForwardParts?: number | undefined;
}

/**
 * One transformer block: self, text and cross-modal attention and a feed-forward in both residual streams `[N, D]`. What comes
 * out may have yet to be added up.
 */
export function transformerBlock(
  weights: ModuleWeights,
  { video: v0, audio: a0 }: Streams<Residual>,
  { video, audio }: Streams<StreamConditions>,
  epsilon: number,
): Streams<Residual> {
  const videoRows = blockRows(weights.parameter('scale_shift_table'), video);
  const audioRows = blockRows(weights.parameter('audio_scale_shift_table'), audio);
  const v1 = streamAttention(weights, 'video', v0, video, videoRows, epsilon); // [Nv, D]
  const a1 = streamAttention(weights, 'audio', a0, audio, audioRows, epsilon); // [Na, A]
  const { video: v2, audio: a2 } = crossAttention(weights, { video: v1, audio: a1 }, { video, audio }, epsilon);
  return {
    video: modulatedFeedForward(weights.at('ff'), 'video', v2, video, videoRows, epsilon), // [Nv, D]
    audio: modulatedFeedForward(weights.at('audio_ff'), 'audio', a2, audio, audioRows, epsilon), // [Na, A]
  };
}

/** Self attention with modulation, then text cross attention without: `x [N, D]` → same. */
function streamAttention(
  weights: ModuleWeights,
  stream: Stream,
  x: Residual,
  { heads, rotary, context, negativeContext }: StreamConditions,
  rows: BlockRows,
  epsilon: number,
): Residual {
  const isLong = hasManyTokens[stream];
  const prefix = stream === 'video' ? '' : 'audio_';
  const { residual, modulated: own } = modulatedRms(x, rows.attention, { epsilon, isLong }); // [N, D]
  const { ofLayer: gate, left } = dividedGate(rows.attentionGate, isLong);
  const rotated = { heads, epsilon, queryRotary: rotary, keyRotary: rotary, hasLongContext: isLong, gate };
  const self = attention(weights.at(`${prefix}attn1`), own, own, rotated); // [N, D]
  const h = normalizedResidual(updated(residual.stream, self, left), epsilon); // [N, D]
  const options = { heads, epsilon, negativeContext };
  const query = withoutBias(h.normalized); // [N, D]
  const text = attention(weights.at(`${prefix}attn2`), query, context, options); // [N, D]
  return updated(h.stream, text); // [N, D]
}

/** Audio→video and video→audio; both read the streams as they were before either wrote. */
function crossAttention(
  weights: ModuleWeights,
  streams: Streams<Residual>,
  { video, audio }: Streams<StreamConditions>,
  epsilon: number,
): Streams<Residual> {
  const ofVideo = crossRows(weights.parameter('scale_shift_table_a2v_ca_video'), video);
  const ofAudio = crossRows(weights.parameter('scale_shift_table_a2v_ca_audio'), audio);
  const { heads } = audio;
  const [many, few] = [
    { epsilon, isLong: hasManyTokens.video },
    { epsilon, isLong: hasManyTokens.audio },
  ];
  const { residual: v, modulated: a2vQueries } = modulatedRms(streams.video, ofVideo.audioToVideo, many); // [Nv, D]
  const { residual: a, modulated: a2vKeys } = modulatedRms(streams.audio, ofAudio.audioToVideo, few); // [Na, A]
  const { ofLayer: gate, left } = dividedGate(ofVideo.gate, hasManyTokens.video);
  const a2v = attention(weights.at('audio_to_video_attn'), a2vQueries, a2vKeys, {
    heads,
    epsilon,
    queryRotary: video.crossRotary,
    keyRotary: audio.crossRotary,
    gate,
  }); // [Nv, D]
  const { modulated: v2aQueries } = modulatedRms(a, ofAudio.videoToAudio, few); // [Na, A]
  const { modulated: v2aKeys } = modulatedRms(v, ofVideo.videoToAudio, many); // [Nv, D]
  const v2a = attention(weights.at('video_to_audio_attn'), v2aQueries, v2aKeys, {
    heads,
    epsilon,
    queryRotary: audio.crossRotary,
    keyRotary: video.crossRotary,
    hasLongContext: hasManyTokens.video,
  }); // [Na, A]
  return { video: updated(v.stream, a2v, left), audio: updated(a.stream, v2a, ofAudio.gate) };
}

/** `x [N, D]` → same. */
function modulatedFeedForward(
  weights: ModuleWeights,
  stream: Stream,
  x: Residual,
  { feedForwardParts }: StreamConditions,
  rows: BlockRows,
  epsilon: number,
): Residual {
  const { residual, modulated } = modulatedRms(x, rows.feedForward, { epsilon, isLong: hasManyTokens[stream] }); // [N, D]
  return updated(residual.stream, feedForward(weights, modulated, feedForwardParts), rows.feedForwardGate); // [N, D]
}

interface BlockRows {
  readonly attention: ScaleShift;
  readonly attentionGate: ModulationRow;
  readonly feedForward: ScaleShift;
  readonly feedForwardGate: ModulationRow;
}

/** Rows in the order of the table `[6, D]`: shift, scale, gate of attention; shift, scale, gate of the feed-forward. */
function blockRows(table: Value, { modulation }: StreamConditions): BlockRows {
  const [shift1, scale1, gate1, shift2, scale2, gate2] = modulationRows(table, modulation) as SixRows;
  return {
    attention: { scale: scale1, shift: shift1 },
    attentionGate: gate1,
    feedForward: { scale: scale2, shift: shift2 },
    feedForwardGate: gate2,
  };
}

type SixRows = [ModulationRow, ModulationRow, ModulationRow, ModulationRow, ModulationRow, ModulationRow];

interface CrossRows {
  readonly audioToVideo: ScaleShift;
  readonly videoToAudio: ScaleShift;
  readonly gate: ModulationRow;
}

/** Rows in the order of the table `[5, D]`: scale and shift for audio→video, scale and shift for video→audio, gate. */
function crossRows(table: Value, { crossModulation, crossGate }: StreamConditions): CrossRows {
  const [scales, gates] = [slice(table, 0, 0, 4), slice(table, 0, 4, 5)]; // [4, D], [1, D]
  const [scaleA, shiftA, scaleV, shiftV] = modulationRows(scales, crossModulation) as FourRows;
  const [gate] = modulationRows(gates, crossGate) as [ModulationRow];
  return {
    audioToVideo: { scale: scaleA, shift: shiftA },
    videoToAudio: { scale: scaleV, shift: shiftV },
    gate,
  };
}

type FourRows = [ModulationRow, ModulationRow, ModulationRow, ModulationRow];
