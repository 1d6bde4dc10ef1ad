import { symbol } from '../../../graph/dimension.ts';
import type { RotaryTables } from '../../../graph/operations/attention.ts';
import { floatTensor } from '../../../graph/runtime/host-tensor.ts';
import type { GemmaConfig } from '../../config.ts';
import { type RotaryFeed, rotaryInput } from '../../layers/rotary.ts';

type TextConfig = GemmaConfig['text_config'];

/** Sliding and global layers turn at different speeds. */
export interface GemmaRotary {
  readonly sliding: RotaryTables;
  readonly global: RotaryTables;
}

/** Rotary tables `[positions, headDim/2]` as inputs; `gemmaRotaryFeeds` makes what to feed. */
export function gemmaRotaryInputs({ head_dim }: TextConfig) {
  const table = rotaryInput(symbol('positions'), head_dim / 2);
  return { sliding: table, global: table };
}

/** Rotary tables for positions `0 … positions−1`: angles in double precision, rounded to float32 once. */
export function gemmaRotaryFeeds(config: TextConfig, positions: number) {
  const half = config.head_dim / 2;
  const table = ({ theta, factor }: RotarySpeed): RotaryFeed => {
    const angles = Float64Array.from({ length: positions * half }, (_, at) => {
      const position = Math.floor(at / half);
      return position / factor / theta ** ((at % half) / half);
    });
    return {
      cos: floatTensor(Float32Array.from(angles, Math.cos), [positions, half]),
      sin: floatTensor(Float32Array.from(angles, Math.sin), [positions, half]),
    };
  };
  const { sliding, global } = rotarySpeeds(config);
  return { sliding: table(sliding), global: table(global) };
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
