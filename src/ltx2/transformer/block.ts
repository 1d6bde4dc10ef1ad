import type { Graph } from '../../graph/graph.ts';
import { add, gelu } from '../../graph/operations/arithmetic.ts';
import { rmsNormalize } from '../../graph/operations/layers.ts';
import { slice } from '../../graph/operations/shapes.ts';
import type { Value } from '../../graph/value.ts';
import type { ModuleWeights } from '../module-weights.ts';
import { attention, type Rope } from './attention.ts';
import {
  gatedAdd,
  type Modulation,
  type ModulationRow,
  modulatedRms,
  modulationRows,
  type ScaleShift,
} from './modulation.ts';

/** What one stream (video or audio) brings to every block. */
export interface StreamConditions {
  readonly heads: number;
  /** Projected text `[S, D]`. */
  readonly context: Value;
  readonly negativeContext: Value | undefined;
  /** Six rows: shift, scale, gate of attention; shift, scale, gate of the feed-forward. */
  readonly modulation: Modulation;
  /** Four rows: scale and shift for audio→video, scale and shift for video→audio. */
  readonly crossModulation: Modulation;
  /** One row: the gate of the cross attention that writes to this stream. */
  readonly crossGate: Modulation;
  readonly rope: Rope;
  readonly crossRope: Rope;
}

/** Residual streams `[Nv, D]` and `[Na, A]`. */
export interface Streams {
  readonly video: Value;
  readonly audio: Value;
}

/** One transformer block: self, text and cross-modal attention and a feed-forward in both streams. */
export function transformerBlock(
  g: Graph,
  w: ModuleWeights,
  { video: v0, audio: a0 }: Streams,
  video: StreamConditions,
  audio: StreamConditions,
  epsilon: number,
): Streams {
  const videoRows = blockRows(w.parameter('scale_shift_table'), video);
  const audioRows = blockRows(w.parameter('audio_scale_shift_table'), audio);
  const v1 = streamAttention(g, w, '', v0, video, videoRows, epsilon); // [Nv, D]
  const a1 = streamAttention(g, w, 'audio_', a0, audio, audioRows, epsilon); // [Na, A]
  const crossed = crossAttention(g, w, { video: v1, audio: a1 }, video, audio, epsilon);
  return {
    video: feedForward(w, '', crossed.video, videoRows, epsilon), // [Nv, D]
    audio: feedForward(w, 'audio_', crossed.audio, audioRows, epsilon), // [Na, A]
  };
}

/** Self attention with modulation, then text cross attention without. */
function streamAttention(
  g: Graph,
  w: ModuleWeights,
  kind: StreamKind,
  x: Value,
  stream: StreamConditions,
  rows: BlockRows,
  epsilon: number,
): Value {
  const { heads, rope, context, negativeContext } = stream;
  const own = modulatedRms(x, rows.attention, epsilon); // [N, D]
  const self = attention(g, w.at(`${kind}attn1`), own, own, { heads, epsilon, queryRope: rope, keyRope: rope });
  const h = gatedAdd(x, rows.attentionGate, self); // [N, D]
  const query = rmsNormalize(h, epsilon); // [N, D]
  return add(h, attention(g, w.at(`${kind}attn2`), query, context, { heads, epsilon, negativeContext }));
}

/** Audio→video and video→audio; both read the streams as they were before either wrote. */
function crossAttention(
  g: Graph,
  w: ModuleWeights,
  { video: v, audio: a }: Streams,
  video: StreamConditions,
  audio: StreamConditions,
  epsilon: number,
): Streams {
  const ofVideo = crossRows(w.parameter('scale_shift_table_a2v_ca_video'), video);
  const ofAudio = crossRows(w.parameter('scale_shift_table_a2v_ca_audio'), audio);
  const heads = audio.heads;
  const a2v = attention(
    g,
    w.at('audio_to_video_attn'),
    modulatedRms(v, ofVideo.audioToVideo, epsilon), // [Nv, D]
    modulatedRms(a, ofAudio.audioToVideo, epsilon), // [Na, A]
    { heads, epsilon, queryRope: video.crossRope, keyRope: audio.crossRope },
  );
  const v2a = attention(
    g,
    w.at('video_to_audio_attn'),
    modulatedRms(a, ofAudio.videoToAudio, epsilon), // [Na, A]
    modulatedRms(v, ofVideo.videoToAudio, epsilon), // [Nv, D]
    { heads, epsilon, queryRope: audio.crossRope, keyRope: video.crossRope },
  );
  return { video: gatedAdd(v, ofVideo.gate, a2v), audio: gatedAdd(a, ofAudio.gate, v2a) };
}

function feedForward(w: ModuleWeights, kind: StreamKind, x: Value, rows: BlockRows, epsilon: number): Value {
  const hidden = gelu(w.linear(modulatedRms(x, rows.feedForward, epsilon), `${kind}ff.net.0.proj`)); // [N, 4D]
  return gatedAdd(x, rows.feedForwardGate, w.linear(hidden, `${kind}ff.net.2`)); // [N, D]
}

type StreamKind = '' | 'audio_';

interface BlockRows {
  readonly attention: ScaleShift;
  readonly attentionGate: ModulationRow;
  readonly feedForward: ScaleShift;
  readonly feedForwardGate: ModulationRow;
}

/** Rows in table order: shift, scale, gate of attention; shift, scale, gate of the feed-forward. */
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

/** Rows in table order: scale and shift for audio→video, scale and shift for video→audio, gate. */
function crossRows(table: Value, { crossModulation, crossGate }: StreamConditions): CrossRows {
  const [scales, gates] = [slice(table, 0, 0, 4), slice(table, 0, 4, 5)];
  const [scaleA, shiftA, scaleV, shiftV] = modulationRows(scales, crossModulation) as FourRows;
  const [gate] = modulationRows(gates, crossGate) as [ModulationRow];
  return {
    audioToVideo: { scale: scaleA, shift: shiftA },
    videoToAudio: { scale: scaleV, shift: shiftV },
    gate,
  };
}

type FourRows = [ModulationRow, ModulationRow, ModulationRow, ModulationRow];
