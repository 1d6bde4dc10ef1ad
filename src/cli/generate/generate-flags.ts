import type { Command } from 'commander';
import { audioToVideoLora } from '../../contract/endpoints/audio-to-video-lora.ts';
import { type InputField, inputSchema } from '../../contract/input/input.ts';
import { FieldFlags, type FlagValues, helpOf, loraFlag, sizeFlag } from './field-flags.ts';

/** Request fields as parsed from the command line; still to be validated by the contract. */
export type GenerateFlags = FlagValues;

const { servedInput } = audioToVideoLora;

/** What differs from the endpoint's description of a field, because the command takes files or does something else. */
const flags = new FieldFlags<InputField>(inputSchema.keyof().options, servedInput, {
  audio_url: {
    flags: '--audio <file|url>',
    help: 'The recording that drives the clip; any common sound or video file.',
  },
  image_url: { flags: '--image <file|url>', help: 'The first frame of the clip.' },
  end_image_url: { flags: '--end-image <file|url>', help: 'The last frame of the clip.' },
  match_audio_length: { help: 'As many frames as the recording has (default unless --num-frames is given).' },
  video_size: sizeFlag(),
  negative_prompt: { help: helpOf(['negative_prompt'], servedInput, 'The default text means no guidance.') },
  seed: { help: helpOf(['seed'], servedInput, 'Drawn when absent.') },
  video_output_type: { help: helpOf(['video_output_type'], servedInput, 'The extension of --output decides.') },
  sync_mode: { help: 'Prints the clip as a data URI in JSON and leaves no file.' },
  loras: loraFlag(servedInput),
});

/** Adds one flag per field of the endpoint. */
export function addGenerateFlags(command: Command): Command {
  return flags.addTo(command);
}

/** Flags → request fields. */
export function requestFields(values: GenerateFlags): Record<string, unknown> {
  const request: Record<string, unknown> = { loras: [], ...flags.fieldsOf(values) };
  if ('num_frames' in request && !('match_audio_length' in request)) request.match_audio_length = false;
  return request;
}

/** `num_frames` is `--num-frames`. */
export function flagName(field: InputField): string {
  return flags.nameOf(field);
}
