import type { Graph } from '../../graph/graph.ts';
import {
  add,
  affine,
  divide,
  multiply,
  reduceSumSquare,
  squareRoot,
  subtract,
} from '../../graph/operations/arithmetic.ts';
import { linear } from '../../graph/operations/layers.ts';
import { reshape, transpose } from '../../graph/operations/shapes.ts';
import { knownLength, type Value } from '../../graph/value.ts';
import type { Adapters } from '../../graph/weights/module-weights.ts';
import { withoutTransformerPath } from '../transformer/modules.ts';
import type { AppliedLora } from './lora.ts';
import type { ModuleChange, StoredMatrix, WeightChange } from './module-change.ts';

/** Distance of 1 from the next larger number. */
const float32Epsilon = 2 ** -23;

type LowRank = Extract<WeightChange, { readonly kind: 'low rank' }>;

/**
 * LoRAs whose matrices lie in their files and are used in place. Pairs become branches beside the layers,
 * `y + Σ strength·scale·B(Ax)`; every other kind of change is added to the weights in the graph. A change of LoRAs means
 * another graph.
 */
export function mappedAdapters(loras: readonly AppliedLora[]): Adapters {
  return {
    apply: (module, x, y) =>
      changesOf(loras, module).reduce((sum, { change, strength }) => {
        const pair = branchOf(change);
        if (pair === undefined) return sum;
        const down = linear(x, x.graph.weight(pair.a)); // [M, rank]
        return add(sum, linear(down, x.graph.weight(pair.b), undefined, strength * pair.scale)); // [M, out]
      }, y),
    hasBranches: (module) => changesOf(loras, module).some(({ change }) => branchOf(change) !== undefined),
    ...addedToParameters(loras),
  };
}

/** What the LoRAs in effect do to a module, in their order. */
function changesOf(loras: readonly AppliedLora[], key: string): { change: ModuleChange; strength: number }[] {
  const module = withoutTransformerPath(key);
  return loras.flatMap(({ lora, strength }) => {
    const change = lora.changes.get(module);
    return change === undefined || strength === 0 ? [] : [{ change, strength }];
  });
}

/** The pair of a change that is a branch beside its layer: with a magnitude (DoRA) it depends on the layer's weight. */
function branchOf({ weight, magnitude }: ModuleChange): LowRank | undefined {
  return weight?.kind === 'low rank' && magnitude === undefined ? weight : undefined;
}

function changesParameters(change: ModuleChange): boolean {
  return change.bias !== undefined || (change.weight !== undefined && branchOf(change) === undefined);
}

/** Adds to weights and biases what is no branch beside them: `W + Σ strength·ΔW`, each ΔW by itself. */
function addedToParameters(loras: readonly AppliedLora[]): Pick<Adapters, 'parameter' | 'changesParameters'> {
  return {
    parameter: (name, value) => {
      const isBias = name.endsWith('.bias');
      const module = name.replace(/\.(?:weight|bias)$/, '');
      return changesOf(loras, module).reduce((sum, { change, strength }) => {
        const difference = isBias ? biasDifference(value.graph, change) : weightDifference(change, value);
        return difference === undefined ? sum : add(sum, affine(reshape(difference, value.shape), strength));
      }, value);
    },
    changesParameters: (module) => changesOf(loras, module).some(({ change }) => changesParameters(change)),
  };
}

function biasDifference(g: Graph, { bias }: ModuleChange): Value | undefined {
  return bias === undefined ? undefined : affine(g.weight(bias.difference), bias.scale); // [out]
}

/** ΔW as large as the weight, for changes that are no branch. */
function weightDifference(change: ModuleChange, weight: Value): Value | undefined {
  const { graph: g } = weight;
  if (change.weight === undefined || branchOf(change) !== undefined) return undefined;
  const difference = matrixOfChange(g, change.weight); // [out, in]
  if (change.magnitude === undefined) return difference;
  return subtract(decomposed(add(weight, difference), g.weight(change.magnitude)), weight);
}

function matrixOfChange(g: Graph, change: WeightChange): Value {
  if (change.kind === 'whole') return g.weight(change.difference);
  if (change.kind === 'low rank') return affine(product(g.weight(change.b), g.weight(change.a)), change.scale);
  const [one, other] = change.factors.map((factor) => matrix(g, factor)) as [Value, Value];
  return affine(change.kind === 'Hadamard' ? multiply(one, other) : kronecker(one, other), change.scale);
}

function matrix(g: Graph, stored: StoredMatrix): Value {
  return 'whole' in stored ? g.weight(stored.whole) : product(g.weight(stored.left), g.weight(stored.right));
}

/** `[n, k]·[k, m]` → `[n, m]` */
function product(left: Value, right: Value): Value {
  return linear(left, transpose(right, [1, 0]));
}

/** `[n, m] ⊗ [k, l]` → `[n·k, m·l]` */
function kronecker(left: Value, right: Value): Value {
  const [n, m] = [knownLength(left, 0), knownLength(left, 1)];
  const [k, l] = [knownLength(right, 0), knownLength(right, 1)];
  const products = multiply(reshape(left, [n, 1, m, 1]), reshape(right, [1, k, 1, l])); // [n, k, m, l]
  return reshape(products, [n * k, m * l]);
}

/**
 * DoRA: every row of the changed weight `[out, in]` brought to its length in `magnitude` `[out]`, or every column to that
 * in `magnitude` `[1, in]`.
 */
function decomposed(weight: Value, magnitude: Value): Value {
  const ofColumns = magnitude.shape.length === 2 && magnitude.shape[0] === 1 && weight.shape[0] !== 1;
  const axis = ofColumns ? 0 : 1;
  // A row of zeros stays one, as in ComfyUI.
  const lengths = affine(squareRoot(reduceSumSquare(weight, [axis])), 1, float32Epsilon); // [out, 1] or [1, in]
  return multiply(weight, divide(reshape(magnitude, lengths.shape), lengths));
}
