import { z } from 'zod';
import { videoOutputTypes, videoQualities, videoWriteModes } from '../media/video-settings.ts';
import { CAMERA_MOVES } from '../models/camera-moves.ts';
import { accelerations } from '../pipeline/acceleration.ts';
import { frameLimits, sideLimits } from '../pipeline/limits.ts';
import { SoundstageError } from '../shared/errors.ts';
import { defaultNegativePrompt } from './negative-prompt.ts';
import { type VideoSizePreset, videoSizePresets } from './presets.ts';

const side = z.number().int().min(sideLimits.least).max(sideLimits.most);
const strength = z.number().min(0).max(1);

const loraInput = z.object({
  path: z.string(),
  scale: z.number().min(0).max(4).default(1),
});

/**
 * The endpoint's input as far as it is served: names, defaults and ranges as published. Unknown fields are ignored.
 */
export const inputSchema = z.object({
  prompt: z.string().trim().min(1).max(5000),
  audio_url: z.string().min(1),
  image_url: z.string().min(1).optional(),
  end_image_url: z.string().min(1).optional(),
  match_audio_length: z.boolean().default(true),
  num_frames: z.number().int().min(frameLimits.least).max(frameLimits.most).default(121),
  video_size: z
    .union([
      z.enum(['auto', ...(Object.keys(videoSizePresets) as VideoSizePreset[])]),
      z.object({ width: side.default(512), height: side.default(512) }),
    ])
    .default('landscape_4_3'),
  use_multiscale: z.boolean().default(true),
  fps: z.number().min(1).max(60).default(25),
  acceleration: z.enum(accelerations).default('none'),
  camera_lora: z.enum([...CAMERA_MOVES, 'none']).default('none'),
  camera_lora_scale: strength.default(1),
  negative_prompt: z.string().default(defaultNegativePrompt),
  seed: z.number().int().min(0).max(0xffffffff).optional(),
  enable_prompt_expansion: z.boolean().default(true),
  video_output_type: z.enum(videoOutputTypes).default('X264 (.mp4)'),
  video_quality: z.enum(videoQualities).default('high'),
  video_write_mode: z.enum(videoWriteModes).default('balanced'),
  sync_mode: z.boolean().default(false),
  loras: z.array(loraInput).max(8).default([]),
  image_strength: strength.default(1),
  end_image_strength: strength.default(1),
  audio_strength: strength.default(1),
  preprocess_audio: z.boolean().default(true),
});

export type Input = z.infer<typeof inputSchema>;

/**
 * Validates a request.
 *
 * @throws SoundstageError `input` naming the first offending field and what is accepted
 */
export function parseInput(value: unknown): Input {
  const parsed = inputSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue === undefined) throw parsed.error;
  const field = issue.path.join('.');
  const given = issue.path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown>)?.[key], value);
  const shown = typeof given === 'number' ? String(given) : JSON.stringify(given)?.slice(0, 60);
  const message =
    given === undefined
      ? `${field} is missing; it must be ${accepted(issue.path)}`
      : `${field} must be ${accepted(issue.path)}, not ${shown}`;
  throw new SoundstageError('input', message, { field, cause: parsed.error });
}

interface FieldSchema {
  readonly type?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly FieldSchema[];
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly items?: FieldSchema;
}

/** What a field accepts, in words, from the schema itself; inside a choice of shapes, what the whole choice accepts. */
function accepted(path: readonly PropertyKey[]): string {
  let schema = z.toJSONSchema(inputSchema, { io: 'input' }) as FieldSchema;
  for (const key of path) {
    const inner = typeof key === 'number' ? schema.items : schema.properties?.[String(key)];
    if (inner === undefined) break;
    schema = inner;
  }
  return describe(schema);
}

function describe(schema: FieldSchema): string {
  const { type, minimum, maximum, minLength, maxLength, maxItems } = schema;
  if (schema.anyOf !== undefined) return schema.anyOf.map(describe).join(', or ');
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (schema.properties !== undefined) {
    return `{ ${Object.entries(schema.properties)
      .map(([name, inner]) => `${name}: ${describe(inner)}`)
      .join(', ')} }`;
  }
  if (type === 'array') return `a list of at most ${maxItems} items`;
  if (type === 'boolean') return 'true or false';
  if (type === 'string' && maxLength !== undefined) return `a text of ${minLength} to ${maxLength} characters`;
  if (type === 'string') return 'a text that is not empty';
  return `${type === 'integer' ? 'a whole number' : 'a number'} from ${minimum} to ${maximum}`;
}
