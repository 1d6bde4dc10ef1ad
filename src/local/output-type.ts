import { extname } from 'node:path';
import { type VideoOutputType, videoFormat, videoOutputTypes } from '../media/video-settings.ts';
import { SoundstageError } from '../shared/errors.ts';

/** The extension of the output file decides the type, unless the type is given; then they must agree. */
export function withOutputType(
  fields: { readonly video_output_type?: unknown },
  output: string | undefined,
): { readonly video_output_type?: unknown } {
  if (output === undefined) return fields;
  const extension = extname(output).toLowerCase();
  const byExtension = videoOutputTypes.find((type) => videoFormat(type).extension === extension);
  const given = fields.video_output_type;
  if (byExtension === undefined) {
    const known = videoOutputTypes.map((type) => videoFormat(type).extension).join(', ');
    throw new SoundstageError('input', `output must end in ${known}, not "${extension}"`, { field: 'output' });
  }
  if (given !== undefined && given !== byExtension) {
    throw new SoundstageError('input', `output ends in ${extension}, but video_output_type is ${String(given)}`, {
      field: 'output',
    });
  }
  return { ...fields, video_output_type: byExtension satisfies VideoOutputType };
}
