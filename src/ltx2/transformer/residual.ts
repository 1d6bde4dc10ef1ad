import { add, affine, multiply } from '../../graph/operations/arithmetic.ts';
import { addAndNormalize, type Biased, multiplyBiased, settled, withoutBias } from '../../graph/operations/biased.ts';
import { rmsNormalize } from '../../graph/operations/layers.ts';
import { gather, reshape } from '../../graph/operations/shapes.ts';
import { knownLength, type Value } from '../../graph/value.ts';
import { type ModulationRow, perToken } from './modulation.ts';

/** A residual stream `[N, D]` on its way through a block. */
export interface Residual {
  readonly stream: Value;
  /** What is yet to be added to it. */
  readonly update?: Biased;
  /** Its root mean square norm, where that is known. */
  readonly normalized?: Value;
}

/** `stream + gate·update`; without a gate the plain sum. Where that saves a pass, whoever norms the sum adds first. */
export function updated(stream: Value, update: Biased, gate?: ModulationRow): Residual {
  const gated = gate === undefined ? update : gatedUpdate(update, gate); // [N, D]
  return stream.graph.target.biasesProducts ? { stream: add(stream, settled(gated)) } : { stream, update: gated };
}

/** A gate divided into what the last layer of an update may take into its weight, and what is left to `updated`. */
export function dividedGate(
  gate: ModulationRow,
  isLong: boolean,
): { readonly ofLayer: Value | undefined; readonly left: ModulationRow | undefined } {
  const fits = isLong && gate.index === undefined && !gate.values.graph.target.biasesProducts;
  return fits ? { ofLayer: gate.values, left: undefined } : { ofLayer: undefined, left: gate };
}

function gatedUpdate(update: Biased, gate: ModulationRow): Biased {
  const rows = perToken(gate); // [1 or N, D]
  if (gate.index === undefined) return multiplyBiased(update, rows);
  return { value: multiply(settled(update), rows), bias: undefined };
}

export function settledResidual({ stream, update }: Residual): Value {
  return update === undefined ? stream : add(stream, settled(update));
}

export interface ScaleShift {
  readonly scale: ModulationRow;
  readonly shift: ModulationRow;
}

/**
 * The residual with its norm `rms(x)·(1+scale)+shift`, `[N, D]`. Where all tokens share the shift, and they are many, it is left
 * for the layers behind as a bias.
 */
export function modulatedRms(
  residual: Residual,
  { scale, shift }: ScaleShift,
  { epsilon, isLong }: { readonly epsilon: number; readonly isLong: boolean },
): { readonly residual: Residual; readonly modulated: Biased } {
  const factor = affine(scale.values, 1, 1); // [U, D]
  if (scale.index === undefined) {
    const weight = reshape(factor, [knownLength(factor, 1)]); // [D]: the norm's own weight, so no extra pass
    const { stream, normalized } = normalizedResidual(residual, epsilon, weight); // [N, D]
    const isLeft = isLong && !stream.graph.target.biasesProducts;
    const modulated = isLeft
      ? { value: normalized, bias: reshape(shift.values, weight.shape) }
      : withoutBias(add(normalized, perToken(shift)));
    return { residual: { stream }, modulated };
  }
  const plain = normalizedResidual(residual, epsilon); // [N, D]
  const scaled = multiply(plain.normalized, gather(factor, scale.index)); // [N, D]
  return { residual: plain, modulated: withoutBias(add(scaled, perToken(shift))) };
}

/** The stream with all that is to be added, and its root mean square norm times `weight` `[D]` (plain 1 if absent). */
export function normalizedResidual(
  residual: Residual,
  epsilon: number,
  weight?: Value,
): { readonly stream: Value; readonly normalized: Value } {
  const { stream, update, normalized } = residual;
  if (update !== undefined) return addAndNormalize(stream, update, epsilon, weight);
  if (normalized !== undefined && weight === undefined) return { stream, normalized };
  return { stream, normalized: rmsNormalize(stream, epsilon, weight) };
}
