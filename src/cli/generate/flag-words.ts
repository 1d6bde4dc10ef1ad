import { audioToVideoLora } from '../../contract/endpoints/audio-to-video-lora.ts';
import { acceptedValues, inputSchema } from '../../contract/input/input.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { flagName } from './generate-flags.ts';

const fields = inputSchema.keyof().options;
const { servedInput } = audioToVideoLora;

/** The same error in the words of the command line: flags instead of fields. Anything but a mistake in the input is given back. */
export function inWordsOfFlags(error: unknown, given: Readonly<Record<string, unknown>>): unknown {
  if (!(error instanceof SoundstageError) || error.kind !== 'input') return error;
  const { field, type, context } = error;
  const message = sizeMessage(field, given) ?? withFlags(error.message);
  return new SoundstageError('input', message, { field, type, context, cause: error });
}

/** Notes, too, speak of fields. */
export function withFlags(message: string): string {
  const inLists = message
    .replace(/\bloras\.(\d+)\.path\b/g, (_, index: string) => `LoRA ${Number(index) + 1}`)
    .replace(/\bloras\.(\d+)\.scale\b/g, (_, index: string) => `the scale of LoRA ${Number(index) + 1}`)
    .replace(/\bset weight_name to one of\b/g, 'write REPOSITORY#FILE with one of');
  return fields.reduce((text, field) => {
    // A word of English is a field only where a sentence begins with it.
    const pattern = field.includes('_') ? `(?<![\\w-])${field}(?![\\w.])` : `^${field}(?= (?:must be|is missing)\\b)`;
    return text.replace(new RegExp(pattern, 'g'), flagName(field));
  }, inLists);
}

function sizeMessage(
  field: string | undefined,
  { video_size: size }: Readonly<Record<string, unknown>>,
): string | undefined {
  const flag = flagName('video_size');
  if (field === 'video_size') {
    const { enum: names = [] } = servedInput.root.properties?.video_size?.anyOf?.find(({ enum: each }) => each) ?? {};
    return `${flag} must be WIDTHxHEIGHT, such as 768x512, or one of ${names.join(', ')}, not ${JSON.stringify(size)}`;
  }
  const [, side] = /^video_size\.(width|height)$/.exec(field ?? '') ?? [];
  const { ImageSize: pair } = servedInput.named;
  if (side === undefined || pair === undefined || typeof size !== 'object' || size === null) return undefined;
  const { width, height }: { readonly width?: unknown; readonly height?: unknown } = size;
  const accepted = acceptedValues([side], { root: pair, named: servedInput.named });
  return `${flag} ${width}x${height}: the ${side} must be ${accepted}`;
}
