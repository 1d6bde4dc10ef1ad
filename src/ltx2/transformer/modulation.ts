import { add, affine, multiply, silu } from '../../graph/operations/arithmetic.ts';
import { rmsNormalize } from '../../graph/operations/layers.ts';
import { gather, reshape, split, splitAxis } from '../../graph/operations/shapes.ts';
import { knownLength, type Value } from '../../graph/value.ts';
import type { ModuleWeights } from '../module-weights.ts';

/** A stream's timesteps inside the graph: one sinusoid per distinct value, and which one each token has. */
export interface StreamTimesteps {
  /** `[distinct, 256]`; `[1, 256]` when all tokens share one. */
  readonly sinusoid: Value;
  /** int64 `[tokens]`; absent when all tokens share one timestep. */
  readonly index: Value | undefined;
}

/** Rows of modulation per distinct timestep, with the index that spreads them over tokens. */
export interface Modulation {
  /** `[distinct, rows, D]` */
  readonly rows: Value;
  /** The embedding before the last linear `[distinct, D]`. */
  readonly embedded: Value;
  readonly index: Value | undefined;
}

/** A timestep module (`adaln_single` and its kin): sinusoid → embedding → `k` rows of width D. */
export function timestepModulation(w: ModuleWeights, timesteps: StreamTimesteps): Modulation {
  const hidden = silu(w.linear(timesteps.sinusoid, 'emb.timestep_embedder.linear_1')); // [U, D]
  const embedded = w.linear(hidden, 'emb.timestep_embedder.linear_2'); // [U, D]
  const flat = w.linear(silu(embedded), 'linear'); // [U, k·D]
  const rows = splitAxis(flat, 1, [undefined, knownLength(embedded, 1)]); // [U, k, D]
  return { rows, embedded, index: timesteps.index };
}

/** One row of modulation for every token: `[1, D]` if shared, else `[distinct, D]` with an index. */
export interface ModulationRow {
  readonly values: Value;
  readonly index: Value | undefined;
}

/** Adds rows `first…` of a block's table `[rows, D]` to the modulation and hands them out one by one. */
export function modulationRows(table: Value, modulation: Modulation): ModulationRow[] {
  const count = knownLength(modulation.rows, 1);
  const summed = add(modulation.rows, table); // [U, k, D]
  const ones = new Array<number>(count).fill(1);
  return split(summed, 1, ones).map((row) => ({
    values: reshape(row, [row.shape[0] ?? 1, knownLength(row, 2)]), // [U, D]
    index: modulation.index,
  }));
}

export interface ScaleShift {
  readonly scale: ModulationRow;
  readonly shift: ModulationRow;
}

/** `rms(x)·(1+scale)+shift`, x `[N, D]`. */
export function modulatedRms(x: Value, { scale, shift }: ScaleShift, epsilon: number): Value {
  const factor = affine(scale.values, 1, 1); // [U, D]
  if (scale.index === undefined) {
    const weight = reshape(factor, [knownLength(factor, 1)]); // [D]: the norm's own weight, so no extra pass
    return add(rmsNormalize(x, epsilon, weight), perToken(shift)); // [N, D]
  }
  const scaled = multiply(rmsNormalize(x, epsilon), gather(factor, scale.index)); // [N, D]
  return add(scaled, perToken(shift));
}

/** `x + gate·y` per token. */
export function gatedAdd(x: Value, gate: ModulationRow, y: Value): Value {
  return add(x, multiply(y, perToken(gate)));
}

/** `[N, D]` by index, or `[1, D]` to broadcast. */
function perToken({ values, index }: ModulationRow): Value {
  return index === undefined ? values : gather(values, index);
}
