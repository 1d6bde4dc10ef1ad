import { z } from 'zod';
import { frameLimits } from '../../pipeline/plan/limits.ts';
import { address, integer, number, text } from '../input/field-schemas.ts';
import { imageSize, inputSchema, loraInput, loraLimit, promptLimit } from '../input/input-schema.ts';
import { videoSizePresetNames } from '../input/presets.ts';
import { outputSchema } from '../output.ts';

/** How long a film may be, in seconds, and how many parts it may have. */
export const filmLimits = { maxSeconds: 3600, maxParts: 1000 } as const;

/** Where parts may end: exactly after so many seconds, where it is quiet, or on a beat. */
export const cutKinds = ['quiet', 'beat', 'every'] as const;

const strength = number({ min: 0, max: 1 });
const seed = integer({ min: 0, max: 2 ** 32 - 1 });
const frame = integer({ min: 0, max: filmLimits.maxSeconds * 60 });
const { camera_lora, camera_lora_scale: scale } = inputSchema.shape;
const loras = z.array(loraInput).max(loraLimit);

const part = z
  .object({
    start: frame.meta({ title: 'Start', description: 'Its first frame, counted from 0.' }),
    end: frame.meta({ title: 'End', description: 'The frame after its last.' }),
    prompt: text({ min: 1, max: promptLimit }).meta({ title: 'Prompt', description: 'What it shows.' }),
    seed: seed.meta({ title: 'Seed', description: 'The seed for the random number generator.' }),
    continues: z.boolean().default(true).meta({
      title: 'Continues',
      description: 'Whether it goes on from the last frames of the part before. Otherwise a new scene begins with it.',
    }),
    image_url: address()
      .optional()
      .meta({ title: 'Image URL', description: 'The first frame of a new scene.', nullable: true }),
    loras: loras.optional().meta({ title: 'LoRAs', description: 'In place of those of the film.', nullable: true }),
    camera_lora: camera_lora
      .unwrap()
      .optional()
      .meta({ title: 'Camera LoRA', description: 'In place of that of the film.', nullable: true }),
    camera_lora_scale: scale
      .unwrap()
      .optional()
      .meta({ title: 'Camera LoRA Scale', description: 'In place of that of the film.', nullable: true }),
    meets_next: z.boolean().default(false).meta({
      title: 'Meets Next',
      description: 'It was made again: its end leads to the first frame of the part after it, which stays as it is.',
    }),
  })
  .meta({ id: 'FilmPart', title: 'FilmPart', description: 'A part of a film, which the model makes at once.' });

/** The fields of a part. */
export const filmPartFields: readonly string[] = part.keyof().options;

/** What a film should be. With `parts` it is a score, in which everything is decided. */
export const filmSchema = z
  .object({
    audio_url: address().meta({ title: 'Audio URL', description: 'The recording that the film is as long as.' }),
    prompt: text({ min: 1, max: 10 * promptLimit })
      .optional()
      .meta({
        title: 'Prompt',
        description:
          'What the film shows, over time: "0:00 a woman sings; 0:45 a sea at night". Every time begins a new scene, or, ' +
          'with a plus sign after it, what the scene goes on with: "0:45 + she smiles".',
        examples: ['0:00 a woman sings; 0:45 a sea at night'],
        nullable: true,
      }),
    parts: z.array(part).max(filmLimits.maxParts).optional().meta({
      title: 'Parts',
      description: 'The parts of a score, which take the place of prompt, cut, part_seconds and image_url.',
      nullable: true,
    }),
    cut: z
      .enum(cutKinds)
      .default('quiet')
      .meta({ title: 'Cut', description: 'Where parts end: where it is quiet, on a beat, or after a fixed time.' }),
    part_seconds: number({ min: 0.2, max: frameLimits.max }).optional().meta({
      title: 'Part Seconds',
      description: 'How long parts should be. Default: as long as the model can make them.',
      nullable: true,
    }),
    overlap: integer({ min: 1, max: 4 }).default(2).meta({
      title: 'Overlap',
      description: 'What a part is shown of the one before: its last frame for 1, and 8 frames more for each further.',
    }),
    overlap_strength: strength
      .default(1)
      .meta({ title: 'Overlap Strength', description: 'How firmly a part begins with what it is shown.' }),
    anchor_url: address().optional().meta({
      title: 'Anchor URL',
      description: 'A picture that every part is shown, so that who and what is in the film stays the same.',
      nullable: true,
    }),
    anchor_strength: strength
      .default(1)
      .meta({ title: 'Anchor Strength', description: 'How firmly the film keeps to the anchor.' }),
    ...inputSchema.pick({ image_url: true }).shape,
    video_size: z
      .union([imageSize, z.enum(videoSizePresetNames)])
      .default('landscape_4_3')
      .meta({ title: 'Video Size', description: 'The size of the generated video.' }),
    ...inputSchema.pick({
      use_multiscale: true,
      fps: true,
      acceleration: true,
      camera_lora: true,
      camera_lora_scale: true,
      negative_prompt: true,
      seed: true,
    }).shape,
    enable_prompt_expansion: z.boolean().default(false).meta({
      title: 'Enable Prompt Expansion',
      description: 'Whether to enable prompt expansion. Every part is then described in other words.',
    }),
    ...inputSchema.pick({
      enable_safety_checker: true,
      video_output_type: true,
      video_quality: true,
      video_write_mode: true,
    }).shape,
    loras: loras.default([]).meta({ title: 'LoRAs', description: 'The LoRAs to use for the generation.' }),
    ...inputSchema.pick({ image_strength: true, preprocess_audio: true }).shape,
  })
  .meta({ title: 'FilmInput' });

/** A film as the server is asked for it: anew, or going on from one that is there. */
export const filmRequestSchema = z
  .object({
    ...filmSchema.shape,
    audio_url: filmSchema.shape.audio_url.optional().meta({
      title: 'Audio URL',
      description: 'The recording that the film is as long as; not needed where a film is gone on with.',
      examples: ['https://example.com/song.mp3'],
      nullable: true,
    }),
    resume: z
      .uuid()
      .optional()
      .meta({
        title: 'Resume',
        description:
          'The request id of a film of yours: its score and its parts that are made are taken, and the rest is made. ' +
          'With `parts`, those that are the same are taken.',
        nullable: true,
      }),
    redo: z
      .array(
        z
          .object({
            part: integer({ min: 1, max: filmLimits.maxParts }).meta({ title: 'Part', description: 'Counted from 1.' }),
            seed: seed
              .optional()
              .meta({ title: 'Seed', description: 'The seed to use. Default: another one.', nullable: true }),
          })
          .meta({ id: 'FilmRedo', title: 'FilmRedo', description: 'A part to be made again.' }),
      )
      .max(filmLimits.maxParts)
      .optional()
      .meta({
        title: 'Redo',
        description: 'Parts of the film that is gone on with to be made again; those after them stay.',
        nullable: true,
      }),
    so_far: z
      .boolean()
      .default(false)
      .meta({
        title: 'So Far',
        description:
          'Whether nothing is to be made: the parts of the film that is named with `resume` are joined, up to the first ' +
          'that is missing. It may still be on its way.',
      }),
  })
  .meta({ title: 'FilmRequest' });

export type FilmRequest = z.infer<typeof filmRequestSchema>;

/** What a finished film returns. */
export const filmOutputSchema = z
  .object({
    ...outputSchema.shape,
    parts: z.array(part).meta({ title: 'Parts', description: 'The parts of its score.' }),
  })
  .meta({ title: 'FilmOutput' });

export type FilmInput = z.infer<typeof filmSchema>;

export type FilmPart = z.infer<typeof part>;

/** A film of which everything is decided. */
export interface Score extends Omit<FilmInput, 'prompt' | 'parts' | 'cut' | 'part_seconds' | 'image_url'> {
  readonly seed: number;
  readonly parts: readonly FilmPart[];
}
