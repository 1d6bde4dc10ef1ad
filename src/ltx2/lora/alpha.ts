import { z } from 'zod';
import type { SafetensorsHeader } from '../../graph/weights/safetensors.ts';
import { withoutPrefix } from './key-names.ts';

/** What a file's header says about how strongly its pairs are meant (PEFT's `LoraConfig`, or a part of it). */
interface ScaleConfig {
  readonly alpha?: number | undefined;
  readonly rank?: number | undefined;
  /** alpha/√rank instead of alpha/rank. */
  readonly rankStabilized: boolean;
  readonly alphaByModule: readonly ModuleValue[];
  readonly rankByModule: readonly ModuleValue[];
}

/** A value for the modules whose names end in a match of `pattern`. */
interface ModuleValue {
  readonly pattern: RegExp;
  readonly value: number;
}

/** A header that says something, but not in a way that can be followed; the message is a part of a sentence. */
export class HeaderProblem extends Error {}

/** Header keys of one meaning. `ss_network_alpha` is not among them: it is a note about the training. */
const spellings = {
  alpha: ['lora_alpha', 'network_alpha', 'alpha'],
  rank: ['r', 'rank', 'lora_rank', 'network_dim', 'network_rank'],
  rankStabilized: ['use_rslora'],
  alphaByModule: ['alpha_pattern'],
  rankByModule: ['rank_pattern'],
} as const;
type Setting = keyof typeof spellings;

/** Parts of a pipeline that may have settings of their own; those of the transformer stand without a name. */
const transformerParts = [''];
const textParts = ['connectors', 'text_embedding_projection', ''];

/**
 * The scales that a LoRA's header asks for: diffusers' `lora_adapter_metadata`, or the same settings as single keys, with
 * or without the part of the pipeline before them (`transformer.lora_alpha`).
 *
 * @throws HeaderProblem
 */
export class HeaderScales {
  readonly #configs: ReadonlyMap<string, ScaleConfig>;

  private constructor(configs: ReadonlyMap<string, ScaleConfig>) {
    this.#configs = configs;
  }

  static read({ metadata }: Pick<SafetensorsHeader, 'metadata'>): HeaderScales {
    const { lora_adapter_metadata: json, ...flat } = metadata;
    const adapter = json === undefined || isUnset(json) ? {} : parseObject(json);
    const entries = [...Object.entries(flat), ...Object.entries(adapter).flatMap(flattened)];
    const parts = new Map<string, Map<Setting, unknown>>();
    for (const [key, value] of entries) {
      const [part, name] = splitKey(key);
      const setting = settings.find((known) => spellings[known].some((spelling) => spelling === name));
      if (setting === undefined || isUnset(value)) continue;
      parts.set(part, (parts.get(part) ?? new Map()).set(setting, value));
    }
    return new HeaderScales(new Map([...parts].map(([part, values]) => [part, configOf(values)])));
  }

  /**
   * The factor of a pair of this rank: alpha/rank, or alpha/√rank. An alpha of the file's own tensor counts before the
   * header's; without any it is 1.
   *
   * @param names of the module, in the file and in the model
   * @param tensorAlpha the module's own `.alpha`
   */
  scale(names: readonly string[], isText: boolean, rank: number, tensorAlpha: number | undefined): number {
    const parts = isText ? textParts : transformerParts;
    const config = parts.map((part) => this.#configs.get(part)).find((found) => found !== undefined);
    if (tensorAlpha !== undefined) return tensorAlpha / (config?.rankStabilized ? Math.sqrt(rank) : rank);
    if (config === undefined) return 1;
    const alpha = valueFor(names, config.alphaByModule) ?? config.alpha;
    if (alpha === undefined) return 1;
    const meantRank = valueFor(names, config.rankByModule) ?? config.rank ?? rank;
    return alpha / (config.rankStabilized ? Math.sqrt(meantRank) : meantRank);
  }
}

const settings = Object.keys(spellings) as Setting[];

/** `{"transformer": {"r": 8}}` means what `{"transformer.r": 8}` does. */
function flattened([key, value]: [string, unknown]): [string, unknown][] {
  const isPart = withoutPrefix(`${key}.`) === '' || textParts.includes(key);
  const { data } = isPart ? record.safeParse(value) : {};
  return data === undefined ? [[key, value]] : Object.entries(data).map(([name, each]) => [`${key}.${name}`, each]);
}

function isUnset(value: unknown): boolean {
  return value === null || (typeof value === 'string' && /^(?:none|null)?$/i.test(value.trim()));
}

function splitKey(prefixed: string): readonly [part: string, name: string] {
  const key = withoutPrefix(prefixed);
  const dot = key.lastIndexOf('.');
  return dot < 0 ? ['', key] : [key.slice(0, dot), key.slice(dot + 1)];
}

function configOf(values: ReadonlyMap<Setting, unknown>): ScaleConfig {
  // Without an alpha a rank is a note: it can be any text.
  const ofRank = values.has('alpha') || values.has('alphaByModule');
  return {
    alpha: values.has('alpha') ? toNumber(values.get('alpha'), 'lora_alpha') : undefined,
    rank: ofRank && values.has('rank') ? toRank(values.get('rank'), 'r') : undefined,
    rankStabilized: /^(?:true|1)$/i.test(String(values.get('rankStabilized') ?? 'false')),
    alphaByModule: byModule(values.get('alphaByModule'), 'alpha_pattern', toNumber),
    rankByModule: byModule(values.get('rankByModule'), 'rank_pattern', toRank),
  };
}

function byModule(
  value: unknown,
  name: string,
  convert: (value: unknown, name: string) => number,
): readonly ModuleValue[] {
  if (value === undefined) return [];
  const { data } = typeof value === 'string' ? { data: parseObject(value) } : record.safeParse(value);
  if (data === undefined) throw new HeaderProblem(`the ${name} in its header is not a JSON object`);
  return Object.entries(data).map(([pattern, each]) => ({
    pattern: modulePattern(pattern, name),
    value: convert(each, `${name} of "${pattern}"`),
  }));
}

function valueFor(names: readonly string[], values: readonly ModuleValue[]): number | undefined {
  return values.find(({ pattern }) => names.some((name) => pattern.test(name)))?.value;
}

/** Repetitions that a pattern may hold: the time to match one grows by the length of a name with each. */
const maxRepetitions = 2;

/**
 * PEFT matches `(.*\.)?(pattern)$` against the names of modules. The pattern comes from a stranger: only as much of a
 * regular expression is followed as cannot take long.
 */
function modulePattern(pattern: string, name: string): RegExp {
  const repetitions = pattern.match(/[*+?{]/g)?.length ?? 0;
  const isPlain = pattern.length <= 200 && repetitions <= maxRepetitions && !/\)[*+?{]|\\\d|\(\?/.test(pattern);
  if (isPlain) {
    try {
      return new RegExp(`(?:^|\\.)(?:${pattern})$`);
    } catch {
      // Said below.
    }
  }
  const shown = pattern.slice(0, 60);
  throw new HeaderProblem(`its header has the ${name} "${shown}", which cannot be followed: name the modules instead`);
}

const record = z.record(z.string(), z.unknown());

function parseObject(json: string): Record<string, unknown> {
  try {
    return record.parse(JSON.parse(json));
  } catch {
    throw new HeaderProblem('the adapter settings in its header are not a JSON object');
  }
}

function toNumber(value: unknown, name: string): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number === 'number' && Number.isFinite(Math.fround(number))) return number;
  throw new HeaderProblem(`its header gives ${name} as ${JSON.stringify(value)?.slice(0, 60)}, which is not a number`);
}

function toRank(value: unknown, name: string): number {
  const rank = toNumber(value, name);
  if (rank >= 1) return rank;
  throw new HeaderProblem(`its header gives the rank ${rank}`);
}
