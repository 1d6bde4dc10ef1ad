import { basename } from 'node:path';
import { z } from 'zod';
import type { VideoFile } from '../media/video-encoder.ts';

const count = (title: string, description: string) =>
  z.int().optional().meta({ title, description, nullable: true, published: {} });
const measure = (title: string, description: string) =>
  z.number().optional().meta({ title, description, nullable: true });

const videoFile = z
  .object({
    url: z.string().meta({ title: 'Url', description: 'The URL where the file can be downloaded from.' }),
    content_type: z
      .string()
      .optional()
      .meta({
        title: 'Content Type',
        description: 'The mime type of the file.',
        examples: ['video/mp4'],
        nullable: true,
      }),
    file_name: z
      .string()
      .optional()
      .meta({
        title: 'File Name',
        description: 'The name of the file. It will be auto-generated if not provided.',
        examples: ['z9RV14K95DvU.mp4'],
        nullable: true,
      }),
    file_size: count('File Size', 'The size of the file in bytes.').meta({ examples: [4404019] }),
    width: count('Width', 'The width of the video'),
    height: count('Height', 'The height of the video'),
    fps: measure('Fps', 'The FPS of the video'),
    duration: measure('Duration', 'The duration of the video'),
    num_frames: count('Num Frames', 'The number of frames in the video'),
  })
  .meta({ id: 'VideoFile', title: 'VideoFile' });

/** The endpoint's output, as published. */
export const outputSchema = z
  .object({
    video: videoFile.meta({
      description: 'The generated video.',
      examples: [
        {
          file_name: 'ltx-2-a2v-output.mp4',
          content_type: 'video/mp4',
          url: 'https://storage.googleapis.com/falserverless/example_outputs/ltx-2-a2v-output.mp4',
        },
      ],
    }),
    seed: z.int().meta({
      title: 'Seed',
      description: 'The seed used for the random number generator.',
      examples: [175932751],
      published: {},
    }),
    prompt: z.string().meta({
      title: 'Prompt',
      description: 'The prompt used for the generation.',
      examples: ['A woman speaks to the camera'],
    }),
  })
  .meta({ title: 'LTX2AudioToVideoOutput' });

type VideoFields = z.infer<typeof videoFile>;

/** What a finished request returns: every field filled, measured on the written file. */
export interface Output {
  readonly video: { readonly [Name in keyof VideoFields]-?: NonNullable<VideoFields[Name]> };
  readonly seed: number;
  /** The prompt actually used. */
  readonly prompt: string;
}

/** The video of an output, but for where it is. */
export type DescribedVideo = Omit<Output['video'], 'url'>;

export function describeVideo({
  path,
  contentType,
  fileSize,
  width,
  height,
  fps,
  duration,
  frames,
}: VideoFile): DescribedVideo {
  return {
    content_type: contentType,
    file_name: basename(path),
    file_size: fileSize,
    width,
    height,
    fps: fps.num / fps.den,
    duration,
    num_frames: frames,
  };
}
