import type { StoredTensor } from '../../graph/weights/safetensors.ts';
import type { AdaptableModule } from '../adaptable-modules.ts';
import type { Role } from './key-names.ts';

/** A matrix `[rows, columns]` as it is stored: whole, or as the product of two. */
export type StoredMatrix =
  | { readonly whole: StoredTensor }
  | { readonly left: StoredTensor; readonly right: StoredTensor };

/** What a weight `[out, in]` changes by, in the form in which it is stored. */
export type WeightChange =
  /** LoRA: `scale·B·A` with A `[rank, in]`, B `[out, rank]`. */
  | { readonly kind: 'low rank'; readonly scale: number; readonly a: StoredTensor; readonly b: StoredTensor }
  /** LoHa: `scale·(W1 ⊙ W2)`. */
  | { readonly kind: 'Hadamard'; readonly scale: number; readonly factors: readonly [StoredMatrix, StoredMatrix] }
  /** LoKr: `scale·(W1 ⊗ W2)`. */
  | { readonly kind: 'Kronecker'; readonly scale: number; readonly factors: readonly [StoredMatrix, StoredMatrix] }
  /** The difference itself; also of the scales of a normalization. */
  | { readonly kind: 'whole'; readonly difference: StoredTensor };

/** What one module changes by. */
export interface ModuleChange {
  readonly weight?: WeightChange;
  /** DoRA: the lengths of the rows `[out]` or the columns `[1, in]` of the changed weight. */
  readonly magnitude?: StoredTensor;
  /** Of the bias `[out]`, times `scale`. */
  readonly bias?: { readonly scale: number; readonly difference: StoredTensor };
}

/** Every tensor that a change is made of. */
export function tensorsOf({ weight, magnitude, bias }: ModuleChange): readonly StoredTensor[] {
  const ofMatrix = (matrix: StoredMatrix): StoredTensor[] =>
    'whole' in matrix ? [matrix.whole] : [matrix.left, matrix.right];
  const ofWeight = (change: WeightChange): StoredTensor[] => {
    if (change.kind === 'low rank') return [change.a, change.b];
    return change.kind === 'whole' ? [change.difference] : change.factors.flatMap(ofMatrix);
  };
  return [
    ...(weight === undefined ? [] : ofWeight(weight)),
    ...(magnitude === undefined ? [] : [magnitude]),
    ...(bias === undefined ? [] : [bias.difference]),
  ];
}

/** The tensors of one module, by what they are to it. */
export type Parts = Partial<Record<Role, StoredTensor>>;

/** Linear layers saved as convolutions of one pixel have axes of length 1 at their end. */
export function squeezed(tensor: StoredTensor, role: Role): StoredTensor {
  const wanted = role === 'alpha' ? 0 : role === 'bias' || role === 'diff_b' ? 1 : 2;
  const shape = [...tensor.shape];
  while (shape.length > wanted && shape.at(-1) === 1) shape.pop();
  return { ...tensor, shape };
}

const pairs: readonly (readonly [Role, Role])[] = [
  ['down', 'up'],
  ['hada_w1_a', 'hada_w1_b'],
  ['hada_w2_a', 'hada_w2_b'],
  ['lokr_w1_a', 'lokr_w1_b'],
  ['lokr_w2_a', 'lokr_w2_b'],
];

const roleNames: Readonly<Partial<Record<Role, string>>> = { down: 'lora_A (down)', up: 'lora_B (up)' };

/** What is missing of a module's tensors, as the rest of a sentence. */
export function incompleteness(parts: Parts): string | undefined {
  const name = (role: Role): string => roleNames[role] ?? role;
  for (const [one, other] of pairs) {
    if (parts[one] !== undefined && parts[other] === undefined) return `its ${name(one)}, but no ${name(other)}`;
    if (parts[other] !== undefined && parts[one] === undefined) return `its ${name(other)}, but no ${name(one)}`;
  }
  const hasOneOf = (...roles: readonly Role[]): boolean => roles.some((role) => parts[role] !== undefined);
  if (hasOneOf('hada_w1_a') !== hasOneOf('hada_w2_a')) return 'only one of its two Hadamard factors';
  if (hasOneOf('lokr_w1', 'lokr_w1_a') !== hasOneOf('lokr_w2', 'lokr_w2_a')) return 'only one of its Kronecker factors';
  const kinds = [hasOneOf('down'), hasOneOf('hada_w1_a'), hasOneOf('lokr_w1', 'lokr_w1_a'), hasOneOf('diff')];
  const count = kinds.filter(Boolean).length;
  if (count > 1) return 'weights of several kinds at a time';
  if (hasOneOf('bias') && hasOneOf('diff_b')) return 'a bias of its pair and a difference of its bias at a time';
  if (count === 0 && hasOneOf('alpha')) return 'an alpha, but no weights';
  if (count === 0 && hasOneOf('magnitude')) return 'a magnitude, but no weights';
  if (count === 0 && hasOneOf('bias')) return 'a bias, but no weights';
  return undefined;
}

/** `[rows, columns]` of a matrix; undefined if it is none, or its halves do not go together. */
function matrixShape(matrix: StoredMatrix): readonly [number, number] | undefined {
  if ('whole' in matrix) {
    const [rows, columns, ...others] = matrix.whole.shape;
    return rows === undefined || columns === undefined || others.length > 0 ? undefined : [rows, columns];
  }
  const [rows = 0, inner = 0, ...left] = matrix.left.shape;
  const [rank = 0, columns = 0, ...right] = matrix.right.shape;
  const isProduct = left.length === 0 && right.length === 0 && inner === rank && inner > 0;
  return isProduct ? [rows, columns] : undefined;
}

/** Whether the tensors have the shapes that change a module of this shape. */
export function fits(parts: Parts, { shape, isLinear }: AdaptableModule): boolean {
  const [outputs = 0, inputs = 1] = shape;
  const { down, up, diff, diff_b, bias, magnitude } = parts;
  const are = (matrix: StoredMatrix | undefined, rows: number, columns: number): boolean => {
    const found = matrix === undefined ? undefined : matrixShape(matrix);
    return found !== undefined && found[0] === rows && found[1] === columns;
  };
  const [loha, lokr] = [hadamardFactors(parts), kroneckerFactors(parts)];
  if (down !== undefined && up !== undefined && !(isLinear && are({ left: up, right: down }, outputs, inputs)))
    return false;
  if (loha !== undefined && !(isLinear && loha.every((factor) => are(factor, outputs, inputs)))) return false;
  if (lokr !== undefined && !(isLinear && isKronecker(lokr, outputs, inputs))) return false;
  if (diff !== undefined && !sameElements(diff.shape, shape)) return false;
  if (magnitude !== undefined && !isMagnitude(magnitude.shape, outputs, inputs)) return false;
  return [bias, diff_b].every((vector) => vector === undefined || (isLinear && sameElements(vector.shape, [outputs])));
}

function sameElements(shape: readonly number[], other: readonly number[]): boolean {
  const trimmed = (axes: readonly number[]): string => axes.join().replace(/(?:,1)+$/, '');
  return trimmed(shape) === trimmed(other);
}

function isMagnitude(shape: readonly number[], outputs: number, inputs: number): boolean {
  return sameElements(shape, [outputs]) || (shape.length === 2 && shape[0] === 1 && shape[1] === inputs);
}

function isKronecker([one, other]: readonly [StoredMatrix, StoredMatrix], outputs: number, inputs: number): boolean {
  const [first, second] = [matrixShape(one), matrixShape(other)];
  if (first === undefined || second === undefined) return false;
  return first[0] * second[0] === outputs && first[1] * second[1] === inputs;
}

function hadamardFactors(parts: Parts): readonly [StoredMatrix, StoredMatrix] | undefined {
  const { hada_w1_a, hada_w1_b, hada_w2_a, hada_w2_b } = parts;
  if (hada_w1_a === undefined || hada_w1_b === undefined) return undefined;
  if (hada_w2_a === undefined || hada_w2_b === undefined) return undefined;
  return [
    { left: hada_w1_a, right: hada_w1_b },
    { left: hada_w2_a, right: hada_w2_b },
  ];
}

function kroneckerFactors(parts: Parts): readonly [StoredMatrix, StoredMatrix] | undefined {
  const { lokr_w1, lokr_w1_a, lokr_w1_b, lokr_w2, lokr_w2_a, lokr_w2_b } = parts;
  const [first, second] = [storedMatrix(lokr_w1, lokr_w1_a, lokr_w1_b), storedMatrix(lokr_w2, lokr_w2_a, lokr_w2_b)];
  return first === undefined || second === undefined ? undefined : [first, second];
}

function storedMatrix(
  whole: StoredTensor | undefined,
  left: StoredTensor | undefined,
  right: StoredTensor | undefined,
): StoredMatrix | undefined {
  if (whole !== undefined) return { whole };
  return left === undefined || right === undefined ? undefined : { left, right };
}

/**
 * The change that complete and fitting tensors make.
 *
 * @param scale of a pair of this rank
 */
export function changeOf(parts: Parts, scale: (rank: number) => number): ModuleChange {
  const { magnitude, bias, diff_b } = parts;
  const weight = weightChange(parts, scale);
  const biasScale = weight !== undefined && 'scale' in weight ? weight.scale : 1;
  const difference = bias ?? diff_b;
  return Object.freeze({
    ...(weight && { weight }),
    ...(magnitude && { magnitude }),
    // PEFT scales the bias of a pair with it; a difference of the bias is one already.
    ...(difference && { bias: { scale: bias === undefined ? 1 : biasScale, difference } }),
  });
}

function weightChange(parts: Parts, scale: (rank: number) => number): WeightChange | undefined {
  const { down, up, diff } = parts;
  const [loha, lokr] = [hadamardFactors(parts), kroneckerFactors(parts)];
  if (down !== undefined && up !== undefined) {
    return { kind: 'low rank', scale: scale(rankOf(down)), a: down, b: up };
  }
  if (loha !== undefined) return { kind: 'Hadamard', scale: scale(ofProduct(loha) ?? 1), factors: loha };
  if (lokr !== undefined) {
    // The rank is that of the factor that is a product. Where both are whole there is none, and no scale (LyCORIS).
    const rank = ofProduct(lokr);
    return { kind: 'Kronecker', scale: rank === undefined ? 1 : scale(rank), factors: lokr };
  }
  return diff === undefined ? undefined : { kind: 'whole', difference: diff };
}

function rankOf({ shape: [rank = 0] }: StoredTensor): number {
  return rank;
}

function ofProduct(factors: readonly StoredMatrix[]): number | undefined {
  const product = factors.findLast((factor) => 'right' in factor);
  return product !== undefined && 'right' in product ? rankOf(product.right) : undefined;
}
