import { type Command, InvalidArgumentError, Option } from 'commander';
import { audioToVideoLora } from '../../contract/endpoints/audio-to-video-lora.ts';
import { acceptedValues, type InputField, inputSchema, schemaAt } from '../../contract/input/input.ts';
import { trimInvisible } from '../../shared/trim.ts';

/** Request fields as parsed from the command line; still to be validated by the contract. */
export type GenerateFlags = Readonly<Record<string, unknown>>;

const { servedInput } = audioToVideoLora;

interface Flag {
  readonly flags: string;
  readonly help: string;
  readonly parse?: (text: string, earlier: unknown) => unknown;
}

/** What differs from the endpoint's description of a field, because the command takes files or does something else. */
const ownFlags: Partial<Record<InputField, Partial<Flag>>> = {
  audio_url: {
    flags: '--audio <file|url>',
    help: 'The recording that drives the clip; any common sound or video file.',
  },
  image_url: { flags: '--image <file|url>', help: 'The first frame of the clip.' },
  end_image_url: { flags: '--end-image <file|url>', help: 'The last frame of the clip.' },
  match_audio_length: { help: 'As many frames as the recording has (default unless --num-frames is given).' },
  video_size: { flags: '--video-size <name|WIDTHxHEIGHT>', parse: parseSize },
  negative_prompt: { help: helpOf('negative_prompt', 'The default text means no guidance.') },
  seed: { help: helpOf('seed', 'Drawn when absent.') },
  video_output_type: { help: helpOf('video_output_type', 'The extension of --output decides.') },
  sync_mode: { help: 'Prints the clip as a data URI in JSON and leaves no file.' },
  loras: {
    flags: '--lora <name[=scale]>',
    help: `Applies a LoRA: a file, a URL, owner/repo[#file] on the model hub, or the name of one that comes with the weights; repeat for several. (scale: ${acceptedWithDefault(['loras', 0, 'scale'])})`,
    parse: collectLora,
  },
};

const fields = inputSchema.keyof().options;

/**
 * Adds one flag per field of the endpoint: `num_frames` becomes `--num-frames`, a boolean also gets its `--no-` form.
 * Files are given as paths, so `audio_url` is `--audio`. Texts, ranges and defaults are the schema's.
 */
export function addGenerateFlags(command: Command): Command {
  for (const field of fields) {
    const { flags, help, parse } = flagOf(field);
    // What is missing is said by the contract, after flags that there are not.
    const option = new Option(flags, help);
    if (parse !== undefined) option.argParser<unknown>(parse);
    command.addOption(option);
    if (defaultOf(field) === true) command.option(flags.replace('--', '--no-'), `Turns ${flags} off.`);
  }
  return command;
}

/** Flags → request fields. Absent flags are left out, so that the contract's defaults hold. */
export function requestFields(flags: GenerateFlags): Record<string, unknown> {
  const request: Record<string, unknown> = { loras: [] };
  for (const field of fields) {
    const value = flags[new Option(flagOf(field).flags).attributeName()];
    if (value !== undefined) request[field] = value;
  }
  if ('num_frames' in request && !('match_audio_length' in request)) request.match_audio_length = false;
  return request;
}

/** `num_frames` is `--num-frames`. */
export function flagName(field: InputField): string {
  return flagOf(field).flags.replace(/ .*/, '');
}

function flagOf(field: InputField): Flag {
  const { type = 'value' } = schemaAt([field], servedInput);
  const name = `--${field.replaceAll('_', '-')}`;
  const isNumber = type === 'integer' || type === 'number';
  return {
    flags: type === 'boolean' ? name : `${name} <${type}>`,
    help: helpOf(field),
    ...(isNumber && { parse: parseNumber }),
    ...ownFlags[field],
  };
}

/** The endpoint's own description, with what is accepted and the default. */
function helpOf(field: InputField, addition = ''): string {
  const { type, description: published } = schemaAt([field], servedInput);
  const description = `${published} ${addition}`.trim();
  if (type === 'boolean') return defaultOf(field) === true ? `${description} (default)` : description;
  return `${description} (${acceptedWithDefault([field])})`;
}

/** Without the default of a text, which may be long. */
function acceptedWithDefault(path: readonly (string | number)[]): string {
  const { type, enum: choices, default: value } = schemaAt(path, servedInput);
  const isShown = value !== undefined && (type !== 'string' || choices !== undefined);
  return isShown ? `${acceptedValues(path, servedInput)}; default: ${value}` : acceptedValues(path, servedInput);
}

function defaultOf(field: InputField): unknown {
  return schemaAt([field], servedInput).default;
}

/** Anything that is no number becomes NaN, which the contract refuses by name. */
function parseNumber(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}

function parseSize(text: string): unknown {
  const match = /^(\d+)[x×](\d+)$/.exec(text);
  return match === null ? text : { width: Number(match[1]), height: Number(match[2]) };
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
