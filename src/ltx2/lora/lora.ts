import { stat } from 'node:fs/promises';
import { isFloat } from '../../graph/element-type.ts';
import { readSafetensorsHeader, type SafetensorsHeader, type StoredTensor } from '../../graph/safetensors.ts';
import { firstNotFinite, readStoredNumbers } from '../../graph/stored-tensor-values.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { type AdaptableModule, type AdaptableModules, isTextModule } from '../adaptable-modules.ts';
import { HeaderProblem, HeaderScales } from './alpha.ts';
import { isOfTextEncoder, modelByNames, modelBySize } from './foreign-model.ts';
import { keyParts, ModuleNames, type Role, unsupportedKind, withoutPrefix } from './key-names.ts';

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

/** A LoRA file matched against a model's modules. */
export interface Lora {
  readonly path: string;
  /** Tells this content of the file from another: path, size and time of the last change. */
  readonly key: string;
  readonly changes: ReadonlyMap<string, ModuleChange>;
  /** Modules the model has, but with another shape. */
  readonly shapeMismatch: readonly string[];
  /** Modules the model does not have. */
  readonly unmatched: readonly string[];
  /** Why it cannot be used, as the rest of a sentence; undefined if it can. */
  readonly problem: string | undefined;
}

/** A LoRA and how strongly it is applied. */
export interface AppliedLora {
  readonly lora: Lora;
  readonly strength: number;
}

/**
 * Reads what a LoRA file says of its weights and matches its keys, in any of the spellings in use (docs/loras.md), with
 * the modules of a model. The weights themselves stay in the file; `requireFiniteWeights` looks at them.
 *
 * @throws SoundstageError `weights`: no safetensors file
 */
export async function readLora(path: string, modules: AdaptableModules): Promise<Lora> {
  const { size, mtimeMs } = await stat(path).catch((cause: unknown) => {
    throw new SoundstageError('weights', `the LoRA ${path} does not exist`, { cause });
  });
  const header = await readSafetensorsHeader(path).catch((error: unknown) => {
    if (!(error instanceof SoundstageError)) throw error;
    throw new SoundstageError(error.kind, `the LoRA cannot be read: ${error.message}`, { cause: error });
  });
  const groups = groupByModule(header);
  const names = new ModuleNames(modules.keys());
  const resolved = names.resolve(groups.keys());
  const changes = new Map<string, ModuleChange>();
  const nameInFile = new Map<string, string>();
  const problems: string[] = [];
  const shapeMismatch: string[] = [];
  let shapes: string | undefined;
  const unmatched: string[] = [];
  const scales = headerScales(header, problems);
  for (const [name, { parts, repeated }] of groups) {
    const module = resolved.get(name);
    const target = module === undefined ? undefined : modules.get(module);
    const other = module === undefined ? undefined : nameInFile.get(module);
    if (repeated !== undefined) problems.push(`it has two tensors for one thing, such as "${repeated}"`);
    const incomplete = incompleteness(parts);
    const integer = Object.values(parts).find((part) => part !== parts.alpha && !isFloat(part.dtype));
    if (integer !== undefined) {
      problems.push(`its weight "${integer.name}" holds ${integer.dtype}, not floats: export it as BF16, F16 or F32`);
    } else if (incomplete !== undefined) {
      problems.push(`"${name}" has ${incomplete}`);
    } else if (module === undefined || target === undefined) {
      unmatched.push(withoutPrefix(name));
    } else if (other !== undefined) {
      problems.push(`"${other}" and "${name}" are two names for one module`);
    } else {
      nameInFile.set(module, name);
      if (!fits(parts, target)) {
        shapeMismatch.push(module);
        shapes ??= otherShape(parts, target);
      } else {
        const alpha = parts.alpha === undefined ? undefined : await readAlpha(parts.alpha, problems);
        changes.set(
          module,
          changeOf(parts, (rank) => scales.scale([name, module], isTextModule(module), rank, alpha)),
        );
      }
    }
  }
  shapeMismatch.sort();
  unmatched.sort();
  const stray = strayKey(header);
  const foreign =
    shapeMismatch.length + unmatched.length === 0
      ? undefined
      : doesNotFit(groups, modules, names, [...shapeMismatch, ...unmatched], shapes);
  const empty =
    changes.size === 0 && header.tensors.size === 0 ? 'it holds no LoRA weights: the file is empty' : undefined;
  const [first] = [empty, stray?.kind, foreign, ...problems, stray?.key].filter((problem) => problem !== undefined);
  return Object.freeze({
    path,
    key: JSON.stringify([path, size, mtimeMs]),
    changes,
    shapeMismatch,
    unmatched,
    problem: first ?? (changes.size === 0 ? 'it holds no LoRA weights' : undefined),
  });
}

/** @throws SoundstageError `input` at `field`, which says in one sentence what is wrong with this file */
export function requireUsable({ path, problem }: Lora, field = 'loras'): void {
  if (problem === undefined) return;
  throw new SoundstageError('input', `${path} cannot be used as a LoRA: ${problem}`, { field });
}

/**
 * Reads all weights of a LoRA once.
 *
 * @throws SoundstageError `input` at `field` where one is not a number, infinite, or beyond what float32 holds
 */
export async function requireFiniteWeights(lora: Lora, field = 'loras'): Promise<void> {
  for (const tensor of tensorsOf(lora)) {
    const found = await firstNotFinite(tensor);
    if (found === undefined) continue;
    const problem = `its weight "${tensor.name}" holds ${found.value} at place ${found.index}: the training went wrong, or the file is damaged`;
    throw new SoundstageError('input', `${lora.path} cannot be used as a LoRA: ${problem}`, { field });
  }
}

/** Every tensor that is used. */
function tensorsOf({ changes }: Lora): readonly StoredTensor[] {
  const ofMatrix = (matrix: StoredMatrix): StoredTensor[] =>
    'whole' in matrix ? [matrix.whole] : [matrix.left, matrix.right];
  const ofWeight = (change: WeightChange): StoredTensor[] => {
    if (change.kind === 'low rank') return [change.a, change.b];
    return change.kind === 'whole' ? [change.difference] : change.factors.flatMap(ofMatrix);
  };
  return [...changes.values()].flatMap(({ weight, magnitude, bias }) => [
    ...(weight === undefined ? [] : ofWeight(weight)),
    ...(magnitude === undefined ? [] : [magnitude]),
    ...(bias === undefined ? [] : [bias.difference]),
  ]);
}

function headerScales(header: SafetensorsHeader, problems: string[]): HeaderScales {
  try {
    return HeaderScales.read(header);
  } catch (error) {
    if (!(error instanceof HeaderProblem)) throw error;
    problems.push(error.message);
    return HeaderScales.read({ metadata: {} });
  }
}

type Parts = Partial<Record<Role, StoredTensor>>;

interface Group {
  readonly parts: Parts;
  /** A key whose place was taken already. */
  repeated?: string;
}

function groupByModule(header: SafetensorsHeader): ReadonlyMap<string, Group> {
  const groups = new Map<string, Group>();
  for (const [key, tensor] of header.tensors) {
    const found = keyParts(key);
    if (found === undefined) continue;
    const group = groups.get(found.module) ?? { parts: {} };
    if (group.parts[found.role] !== undefined) group.repeated = key;
    group.parts[found.role] = squeezed(tensor, found.role);
    groups.set(found.module, group);
  }
  return groups;
}

/** Linear layers saved as convolutions of one pixel have axes of length 1 at their end. */
function squeezed(tensor: StoredTensor, role: Role): StoredTensor {
  const wanted = role === 'alpha' ? 0 : role === 'bias' || role === 'diff_b' ? 1 : 2;
  const shape = [...tensor.shape];
  while (shape.length > wanted && shape.at(-1) === 1) shape.pop();
  return { ...tensor, shape };
}

/** What does not belong to any module: another kind of adapter, or something unknown. */
function strayKey({ tensors }: SafetensorsHeader): { readonly kind?: string; readonly key?: string } | undefined {
  for (const key of tensors.keys()) {
    const kind = unsupportedKind(key);
    if (kind !== undefined) {
      return {
        kind: `this is ${kind} ("${key.slice(0, 100)}"), which is not supported: merge it or export a plain LoRA`,
      };
    }
  }
  const key = [...tensors.keys()].find((name) => keyParts(name) === undefined);
  return key === undefined ? undefined : { key: `its tensor "${key.slice(0, 100)}" belongs to no kind of LoRA` };
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
function incompleteness(parts: Parts): string | undefined {
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

function fits(parts: Parts, { shape, isLinear }: AdaptableModule): boolean {
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

function changeOf(parts: Parts, scale: (rank: number) => number): ModuleChange {
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

async function readAlpha(tensor: StoredTensor, problems: string[]): Promise<number | undefined> {
  const [alpha, ...others] = tensor.length > 64 ? [] : await readStoredNumbers(tensor);
  if (alpha !== undefined && others.length === 0 && Number.isFinite(alpha)) return alpha;
  problems.push(`its "${tensor.name}" is not one finite number`);
  return undefined;
}

/** Says which modules do not fit, and whose they seem to be. */
function doesNotFit(
  groups: ReadonlyMap<string, Group>,
  modules: AdaptableModules,
  names: ModuleNames,
  strays: readonly string[],
  shapes: string | undefined,
): string {
  const shown = strays.slice(0, 5).join(', ');
  const more = strays.length > 5 ? ` and ${strays.length - 5} more` : '';
  const what = `these modules do not fit this model: ${shown}${more}`;
  const maker = modelByNames([...groups.keys()]) ?? modelOfBlocks(groups, modules, names);
  if (maker === undefined && strays.every(isOfTextEncoder)) {
    return `it changes a text encoder, which is not supported, so export it for the transformer alone: ${what}`;
  }
  if (maker !== undefined) return `it was made for another model (${maker}): ${what}`;
  return shapes === undefined ? what : `${shapes}: ${what}`;
}

/** The first shape that is another than the model's, as a sentence. */
function otherShape(parts: Parts, { shape: target }: AdaptableModule): string {
  const found = Object.values(parts).map(({ name, shape }) => `"${name}" [${shape}]`);
  return `${found.join(' and ')} cannot change a weight [${target}]`;
}

/** The model whose blocks have this width and number, where they are not those of the model at hand. */
function modelOfBlocks(
  groups: ReadonlyMap<string, Group>,
  modules: AdaptableModules,
  spellings: ModuleNames,
): string | undefined {
  const names = [...groups.keys()];
  const blocks = names.map((name) => Number(inBlock.exec(name)?.[2] ?? -1) + 1);
  const own = modules.get('transformer_blocks.0.attn1.to_q')?.shape[1];
  // A longer model than this one has blocks that this one lacks; all are alike.
  const inFirstBlock = new Map(
    names.map((name) => [name.replace(inBlock, (_, blocks: string) => `${blocks}0`), groups.get(name)]),
  );
  for (const [name, module] of spellings.resolve(inFirstBlock.keys())) {
    const width = widthOf(inFirstBlock.get(name)?.parts ?? {}, modules.get(module)?.shape ?? [], own);
    if (!module.startsWith('transformer_blocks.') || width === undefined || width === own) continue;
    const size = { width, blocks: Math.max(...blocks) };
    const hasSound = names.some((each) => each.includes('audio'));
    return modelBySize(size, hasSound) ?? `of width ${width}`;
  }
  return undefined;
}

const inBlock = /(transformer_blocks[._])(\d+)(?=[._])/;

/** The width of a model in which a pair fits the layer that is `[outputs, inputs]` in a model of width `own`. */
function widthOf({ down, up }: Parts, [outputs, inputs]: readonly number[], own?: number): number | undefined {
  if (down?.shape.length !== 2 || up?.shape.length !== 2) return undefined;
  const [rank, found] = down.shape;
  const [foundOutputs] = up.shape;
  if (outputs === undefined || inputs === undefined || own === undefined) return undefined;
  if (rank === undefined || found === undefined || foundOutputs === undefined) return undefined;
  // A rank above the size of the layer comes of matrices that lie the wrong way.
  if (rank > found || found * outputs !== foundOutputs * inputs) return undefined;
  return (found * own) / inputs;
}
