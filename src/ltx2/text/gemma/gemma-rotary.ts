import { symbol } from '../../../graph/dimension.ts';
import type { Graph } from '../../../graph/graph.ts';
import { floatTensor } from '../../../graph/runtime/host-tensor.ts';
import type { Tensors } from '../../../graph/runtime/session.ts';
import type { Value } from '../../../graph/value.ts';
import type { GemmaConfig } from '../../config.ts';

type TextConfig = GemmaConfig['text_config'];

/** Rotary tables `[positions, headDim/2]`. */
interface RotaryTables {
  readonly cos: Value;
  readonly sin: Value;
}

/** Sliding and global layers turn at different speeds. */
export interface GemmaRotary {
  readonly sliding: RotaryTables;
  readonly global: RotaryTables;
}

/** Declares the rotary tables as graph inputs; `rotaryFeeds` makes what to feed. */
export function rotaryInputs(g: Graph, { head_dim }: TextConfig): GemmaRotary {
  const shape = [symbol('positions'), head_dim / 2];
  const tables = (kind: string): RotaryTables => ({
    cos: g.activation(`rotary_${kind}_cos`, shape),
    sin: g.activation(`rotary_${kind}_sin`, shape),
  });
  return { sliding: tables('sliding'), global: tables('global') };
}

/** Rotary tables for positions `0 … positions−1`: angles in double precision, rounded to float32 once. */
export function rotaryFeeds(config: TextConfig, positions: number): Tensors {
  const half = config.head_dim / 2;
  const tables = (kind: string, { theta, factor }: RotarySpeed): Tensors => {
    const angles = Float64Array.from({ length: positions * half }, (_, at) => {
      const position = Math.floor(at / half);
      return position / factor / theta ** ((at % half) / half);
    });
    return {
      [`rotary_${kind}_cos`]: floatTensor(Float32Array.from(angles, Math.cos), [positions, half]),
      [`rotary_${kind}_sin`]: floatTensor(Float32Array.from(angles, Math.sin), [positions, half]),
    };
  };
  const { sliding, global } = rotarySpeeds(config);
  return { ...tables('sliding', sliding), ...tables('global', global) };
}

interface RotarySpeed {
  readonly theta: number;
  /** Divides positions (linear scaling for long contexts). */
  readonly factor: number;
}

function rotarySpeeds(config: TextConfig): { readonly sliding: RotarySpeed; readonly global: RotarySpeed } {
  const { rope_parameters: parameters, rope_local_base_freq, rope_theta, rope_scaling } = config;
  if (parameters !== undefined) {
    const { sliding_attention: sliding, full_attention: global } = parameters;
    return {
      sliding: { theta: sliding.rope_theta, factor: 1 },
      global: { theta: global.rope_theta, factor: global.factor ?? 1 },
    };
  }
  return {
    sliding: { theta: rope_local_base_freq, factor: 1 },
    global: { theta: rope_theta, factor: rope_scaling?.factor ?? 1 },
  };
}
