import { stat } from 'node:fs/promises';
import { isFloat } from '../../graph/element-type.ts';
import { readSafetensorsHeader, type SafetensorsHeader, type StoredTensor } from '../../graph/weights/safetensors.ts';
import { firstNotFinite, readStoredNumbers } from '../../graph/weights/stored-tensor-values.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { type AdaptableModule, type AdaptableModules, isTextModule } from '../adaptable-modules.ts';
import { HeaderProblem, HeaderScales } from './alpha.ts';
import { isOfTextEncoder, modelByNames, modelBySize } from './foreign-model.ts';
import { keyParts, ModuleNames, unsupportedKind, withoutPrefix } from './key-names.ts';
import { changeOf, fits, incompleteness, type ModuleChange, type Parts, squeezed, tensorsOf } from './module-change.ts';

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
  const whole = wholeWeight(header, names);
  const foreign =
    shapeMismatch.length + unmatched.length === 0
      ? undefined
      : doesNotFit(groups, modules, names, [...shapeMismatch, ...unmatched], shapes);
  const empty =
    changes.size === 0 && header.tensors.size === 0 ? 'it holds no LoRA weights: the file is empty' : undefined;
  const [first] = [empty, stray?.kind, changes.size === 0 ? whole : undefined, foreign, ...problems, stray?.key].filter(
    (problem) => problem !== undefined,
  );
  return Object.freeze({
    path,
    key: JSON.stringify([path, size, mtimeMs]),
    changes,
    shapeMismatch,
    unmatched,
    problem: first ?? (changes.size === 0 ? 'it holds no LoRA weights' : undefined),
  });
}

/**
 * @param field of the request that named the file; absent for one that belongs to the weights
 * @throws SoundstageError `input` at `field`, else `weights`, which says in one sentence what is wrong with this file
 */
export function requireUsable({ path, problem }: Pick<Lora, 'path' | 'problem'>, field?: string): void {
  if (problem === undefined) return;
  const kind = field === undefined ? 'weights' : 'input';
  throw new SoundstageError(kind, `${path} cannot be used as a LoRA: ${problem}`, { field });
}

/**
 * Reads all weights of a LoRA once.
 *
 * @throws SoundstageError as `requireUsable`, where one is not a number, infinite, or beyond what float32 holds
 */
export async function requireFiniteWeights(lora: Lora, field?: string): Promise<void> {
  for (const tensor of [...lora.changes.values()].flatMap(tensorsOf)) {
    const found = await firstNotFinite(tensor);
    if (found === undefined) continue;
    const problem = `its weight "${tensor.name}" holds ${found.value} at place ${found.index}: the training went wrong, or the file is damaged`;
    requireUsable({ path: lora.path, problem }, field);
  }
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

async function readAlpha(tensor: StoredTensor, problems: string[]): Promise<number | undefined> {
  const [alpha, ...others] = tensor.length > 64 ? [] : await readStoredNumbers(tensor);
  if (alpha !== undefined && others.length === 0 && Number.isFinite(alpha)) return alpha;
  problems.push(`its "${tensor.name}" is not one finite number`);
  return undefined;
}

/** Says so where a file holds weights of the model itself. */
function wholeWeight({ tensors }: SafetensorsHeader, names: ModuleNames): string | undefined {
  const modules = [...tensors.keys()]
    .filter((key) => key.endsWith('.weight'))
    .map((key) => key.slice(0, -'.weight'.length));
  const [found] = names.resolve(modules).keys();
  return found === undefined
    ? undefined
    : `it holds whole weights, such as "${found}.weight": give a LoRA, not a model`;
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
