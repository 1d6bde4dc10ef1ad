import { type Command, InvalidArgumentError, Option } from 'commander';
import { acceptedValues, schemaAt } from '../../contract/input/input.ts';
import type { SchemaSet, ServedSchema } from '../../contract/json-schema.ts';
import { trimInvisible } from '../../shared/trim.ts';

/** Fields as parsed from the command line; still to be validated by the contract. */
export type FlagValues = Readonly<Record<string, unknown>>;

export interface Flag {
  readonly flags: string;
  readonly help: string;
  readonly parse?: (text: string, earlier: unknown) => unknown;
}

type Served = SchemaSet<ServedSchema>;

/**
 * A flag for each field of an input: `num_frames` becomes `--num-frames`, a boolean also gets its `--no-` form. Files are
 * given as paths, so `audio_url` is `--audio`. Texts, ranges and defaults are the schema's.
 */
export class FieldFlags<Field extends string> {
  readonly #fields: readonly Field[];
  readonly #served: Served;
  readonly #own: Partial<Record<Field, Partial<Flag>>>;

  /** @param own what differs from the description of a field, because the command takes files or does something else */
  constructor(fields: readonly Field[], served: Served, own: Partial<Record<Field, Partial<Flag>>>) {
    this.#fields = fields;
    this.#served = served;
    this.#own = own;
  }

  addTo(command: Command): Command {
    for (const field of this.#fields) {
      const { flags, help, parse } = this.#flagOf(field);
      // What is missing is said by the contract, after flags that there are not.
      const option = new Option(flags, help);
      if (parse !== undefined) option.argParser<unknown>(parse);
      command.addOption(option);
      if (this.#defaultOf(field) === true) command.option(flags.replace('--', '--no-'), `Turns ${flags} off.`);
    }
    return command;
  }

  /** Absent flags are left out, so that the contract's defaults hold. */
  fieldsOf(flags: FlagValues): Partial<Record<Field, unknown>> {
    const fields: Partial<Record<Field, unknown>> = {};
    for (const field of this.#fields) {
      const value = flags[new Option(this.#flagOf(field).flags).attributeName()];
      if (value !== undefined) fields[field] = value;
    }
    return fields;
  }

  /** `num_frames` is `--num-frames`. */
  nameOf(field: Field): string {
    return this.#flagOf(field).flags.replace(/ .*/, '');
  }

  #flagOf(field: Field): Flag {
    const { type = 'value' } = schemaAt([field], this.#served);
    const name = `--${field.replaceAll('_', '-')}`;
    const isNumber = type === 'integer' || type === 'number';
    return {
      flags: type === 'boolean' ? name : `${name} <${type}>`,
      help: this.#helpOf(field),
      ...(isNumber && { parse: parseNumber }),
      ...this.#own[field],
    };
  }

  #helpOf(field: Field): string {
    return helpOf([field], this.#served);
  }

  #defaultOf(field: Field): unknown {
    return schemaAt([field], this.#served).default;
  }
}

/** A field's own description, with what is accepted and the default. */
export function helpOf(path: readonly [string], served: Served, addition = ''): string {
  const { type, description: published, default: value } = schemaAt(path, served);
  const description = `${published} ${addition}`.trim();
  if (type === 'boolean') return value === true ? `${description} (default)` : description;
  return `${description} (${acceptedWithDefault(path, served)})`;
}

/** Without the default of a text, which may be long. */
export function acceptedWithDefault(path: readonly (string | number)[], served: Served): string {
  const { type, enum: choices, default: value } = schemaAt(path, served);
  const isShown = value !== undefined && (type !== 'string' || choices !== undefined);
  return isShown ? `${acceptedValues(path, served)}; default: ${value}` : acceptedValues(path, served);
}

/** Anything that is no number becomes NaN, which the contract refuses by name. */
function parseNumber(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}

/** `--video-size` */
export function sizeFlag(): Partial<Flag> {
  return { flags: '--video-size <name|WIDTHxHEIGHT>', parse: parseSize };
}

function parseSize(text: string): unknown {
  const match = /^(\d+)[x×](\d+)$/.exec(text);
  return match === null ? text : { width: Number(match[1]), height: Number(match[2]) };
}

/** `--lora`, which is given once for each. */
export function loraFlag(served: Served): Partial<Flag> {
  return {
    flags: '--lora <name[=scale]>',
    help: `Applies a LoRA: a file, a URL, owner/repo[#file] on the model hub, or the name of one that comes with the weights; repeat for several. (scale: ${acceptedWithDefault(['loras', 0, 'scale'], served)})`,
    parse: collectLora,
  };
}

function collectLora(text: string, earlier: unknown): readonly unknown[] {
  return [...(Array.isArray(earlier) ? earlier : []), readLora(trimInvisible(text))];
}

function readLora(text: string): Readonly<Record<string, unknown>> {
  const isUrl = /^(?:https?|data):/i.test(text);
  // URLs have equals signs of their own, but a number at the end is a scale.
  const [, named = '', scale] = (isUrl ? /^(.*?)(?:=([\d.]+))?$/ : /^(.*?)(?:=([^=/\\]+))?$/).exec(text) ?? [];
  if (named === '') throw new InvalidArgumentError('Name a .safetensors file, a URL or a repository.');
  const [, repository, file] = isUrl ? [] : (/^([\w.-]+\/[\w.@/-]+)#(.+)$/.exec(named) ?? []);
  return {
    path: repository ?? named,
    ...(file !== undefined && { weight_name: file }),
    ...(scale !== undefined && { scale: Number(scale) }),
  };
}
