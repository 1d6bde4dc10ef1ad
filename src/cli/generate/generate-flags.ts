import { type Command, InvalidArgumentError, Option } from 'commander';
import { audioToVideoLora } from '../../contract/endpoints/audio-to-video-lora.ts';
import { type InputField, inputSchema } from '../../contract/input/input.ts';
import { videoSizePresets } from '../../contract/input/presets.ts';
import { trimInvisible } from '../../shared/trim.ts';

/** Request fields as parsed from the command line; still to be validated by the contract. */
export type GenerateFlags = Readonly<Record<string, unknown>>;

const sizes = `WIDTHxHEIGHT (64 to 2048), auto, ${Object.keys(videoSizePresets).join(', ')}`;

/**
 * Adds one flag per field of the endpoint: `num_frames` becomes `--num-frames`, a boolean also gets its `--no-` form.
 * Files are given as paths, so `audio_url` is `--audio`.
 */
export function addGenerateFlags(command: Command): Command {
  return command
    .requiredOption('--prompt <text>', 'what the clip shows')
    .requiredOption('--audio <file>', 'the recording that drives the clip; any common sound or video file')
    .option('--image <file>', 'first frame of the clip')
    .option('--end-image <file>', 'last frame of the clip')
    .option('--match-audio-length', 'as many frames as the recording has (default unless --num-frames is given)')
    .option('--no-match-audio-length', 'use --num-frames')
    .addOption(number('--num-frames <count>', 'frames of the clip, 9 to 481', 'num_frames'))
    .addOption(new Option('--video-size <size>', withDefault(sizes, 'video_size')).argParser(parseSize))
    .option('--use-multiscale', 'generate at half size first, then refine at full size (default)')
    .option('--no-use-multiscale', 'generate at full size in one stage')
    .addOption(number('--fps <rate>', 'frames per second, 1 to 60', 'fps'))
    .addOption(choice('--acceleration <level>', 'trade fidelity to the exact schedule for speed', 'acceleration'))
    .addOption(choice('--camera-lora <move>', 'camera movement', 'camera_lora'))
    .addOption(number('--camera-lora-scale <scale>', 'strength of the camera movement, 0 to 1', 'camera_lora_scale'))
    .option('--negative-prompt <text>', 'what to steer away from; the default text means no guidance')
    .addOption(number('--seed <seed>', '0 to 4294967295; drawn when absent', 'seed'))
    .addOption(
      choice(
        '--video-output-type <type>',
        'container and codec; the extension of --output decides',
        'video_output_type',
      ),
    )
    .addOption(choice('--video-quality <quality>', 'rate control of the encoder', 'video_quality'))
    .addOption(choice('--video-write-mode <mode>', 'effort of the encoder', 'video_write_mode'))
    .option('--enable-prompt-expansion', "let the text encoder's language model rewrite the prompt (default)")
    .option('--no-enable-prompt-expansion', 'use the prompt as it is')
    .option('--enable-safety-checker', 'check prompt, images and frames before the clip is kept (default)')
    .option('--no-enable-safety-checker', 'leave them unchecked')
    .option('--sync-mode', 'print the clip as a data URI in JSON and leave no file')
    .option('--lora <file[=scale]>', 'apply a LoRA; repeat for several (scale 0 to 4, default 1)', collectLora)
    .addOption(number('--image-strength <strength>', 'how firmly the first image is kept, 0 to 1', 'image_strength'))
    .addOption(
      number('--end-image-strength <strength>', 'how firmly the end image is kept, 0 to 1', 'end_image_strength'),
    )
    .addOption(
      number('--audio-strength <strength>', 'below 1 the model may change the sound, 0 to 1', 'audio_strength'),
    )
    .option('--preprocess-audio', 'level the copy of the sound that conditions the clip (default)')
    .option('--no-preprocess-audio', 'condition on the sound as it is');
}

/** Flags → request fields. Absent flags are left out, so that the contract's defaults hold. */
export function requestFields(flags: GenerateFlags): Record<string, unknown> {
  const { audio, image, endImage, lora = [], ...rest } = flags;
  const fields = Object.entries({ ...rest, audioUrl: audio, imageUrl: image, endImageUrl: endImage, loras: lora })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]): [string, unknown] => [snakeCase(name), value])
    .filter(([name]) => name in inputSchema.shape);
  const request = Object.fromEntries(fields);
  if ('num_frames' in request && !('match_audio_length' in request)) request.match_audio_length = false;
  return request;
}

/** Anything that is no number becomes NaN, which the contract refuses by name. */
function number(flag: string, description: string, field: InputField): Option {
  const parse = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));
  return new Option(flag, withDefault(description, field)).argParser(parse);
}

function choice(flag: string, description: string, field: InputField): Option {
  const options = audioToVideoLora.servedInput.root.properties?.[field]?.enum ?? [];
  return new Option(flag, withDefault(`${description}: ${options.join(', ')}`, field));
}

function withDefault(description: string, field: InputField): string {
  const parsed = inputSchema.shape[field].safeParse(undefined);
  return parsed.success && parsed.data !== undefined ? `${description} (default: ${parsed.data})` : description;
}

function parseSize(text: string): unknown {
  const match = /^(\d+)[x×](\d+)$/.exec(text);
  return match === null ? text : { width: Number(match[1]), height: Number(match[2]) };
}

function collectLora(text: string, earlier: readonly unknown[] = []): readonly unknown[] {
  const match = /^(.*?)(?:=([^=/\\]+))?$/.exec(trimInvisible(text));
  const [, path = '', scale] = match ?? [];
  if (path === '') throw new InvalidArgumentError('Give the path of a .safetensors file.');
  return [...earlier, { path, ...(scale === undefined ? {} : { scale: Number(scale) }) }];
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
