import {
  affine,
  divide,
  multiply,
  reduceMaximum,
  reduceMean,
  reduceMinimum,
  subtract,
} from '../../../graph/operations/arithmetic.ts';
import { cast, concat, reshape, transpose } from '../../../graph/operations/shapes.ts';
import { axisLength, knownLength, type Value } from '../../../graph/value.ts';
import type { ModuleWeights } from '../../../graph/weights/module-weights.ts';

/** The reference's guard against layers that are constant. */
const epsilon = 1e-6;

/** Hidden states `L+1 × [n, hidden]` → `[L+1, n, hidden]`. */
export function stackStates(states: readonly Value[]): Value {
  return concat(
    states.map((state) => reshape(state, [1, ...state.shape])),
    0,
  );
}

/**
 * Features of the valid tokens from all hidden states: each layer is centered, scaled to a range of 8 and projected
 * together with the others. `states [L+1, n, hidden]` float32 → `[n, width]`.
 */
export function textFeatures(weights: ModuleWeights, states: Value): Value {
  const { graph } = states;
  const [layers, tokens, hidden] = [knownLength(states, 0), axisLength(states, 1), knownLength(states, 2)];
  // The reference adds 1e-6 to the count, which vanishes beside n·hidden.
  const mean = reduceMean(states, [1, 2]); // [L+1, 1, 1]
  const range = subtract(reduceMaximum(states, [1, 2]), reduceMinimum(states, [1, 2])); // [L+1, 1, 1]
  const scale = divide(graph.constant([8], [], 'float32'), affine(range, 1, epsilon)); // [L+1, 1, 1]
  const scaled = multiply(subtract(states, mean), scale); // [L+1, n, hidden]
  const columns = transpose(cast(scaled, graph.target.arithmetic), [1, 2, 0]); // [n, hidden, L+1]: layer fastest
  const flat = reshape(columns, [tokens, hidden * layers]); // [n, hidden·(L+1)]
  return weights.linearByRows(flat, 'aggregate_embed'); // [n, width]
}
