import { add, silu } from '../../graph/operations/arithmetic.ts';
import { gather, reshape, split, splitAxis } from '../../graph/operations/shapes.ts';
import { axisLength, knownLength, type Value } from '../../graph/value.ts';
import type { ModuleWeights } from '../../graph/weights/module-weights.ts';

/** A stream's timesteps inside the graph: one sinusoid per distinct value, and which one each token has. */
export interface StreamTimesteps {
  /** `[U, 256]` for U distinct values; `[1, 256]` when all tokens share one. */
  readonly sinusoid: Value;
  /** int64 `[N]`; absent when all tokens share one timestep. */
  readonly index: Value | undefined;
}

/** Rows of modulation per distinct timestep, with the index that spreads them over tokens. */
export interface Modulation {
  /** `[U, k, D]` */
  readonly rows: Value;
  /** The embedding before the last linear `[U, D]`. */
  readonly embedded: Value;
  readonly index: Value | undefined;
}

/** A timestep module (`adaln_single` and its kin): sinusoid → embedding → `k` rows of width D. */
export function timestepModulation(weights: ModuleWeights, { sinusoid, index }: StreamTimesteps): Modulation {
  const hidden = silu(weights.linear(sinusoid, 'emb.timestep_embedder.linear_1')); // [U, D]
  const embedded = weights.linear(hidden, 'emb.timestep_embedder.linear_2'); // [U, D]
  const flat = weights.linear(silu(embedded), 'linear'); // [U, k·D]
  const rows = splitAxis(flat, 1, [undefined, knownLength(embedded, 1)]); // [U, k, D]
  return { rows, embedded, index };
}

/** One row of modulation for every token: `[1, D]` if shared, else `[U, D]` with an index. */
export interface ModulationRow {
  readonly values: Value;
  readonly index: Value | undefined;
}

/** Adds a block's table `[k, D]` to the modulation and hands the rows out one by one. */
export function modulationRows(table: Value, modulation: Modulation): ModulationRow[] {
  const count = knownLength(modulation.rows, 1);
  const summed = add(modulation.rows, table); // [U, k, D]
  const ones = new Array<number>(count).fill(1);
  return split(summed, 1, ones).map((row) => ({
    values: reshape(row, [axisLength(row, 0), knownLength(row, 2)]), // [U, D]
    index: modulation.index,
  }));
}

/** `[N, D]` by index, or `[1, D]` to broadcast. */
export function perToken({ values, index }: ModulationRow): Value {
  return index === undefined ? values : gather(values, index);
}
