import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KernelEnum } from 'sharp';
import { z } from 'zod';
import { SoundstageError } from '../../shared/errors.ts';
import type { PicturePreparation } from './picture-pixels.ts';

const modelSchema = z.object({
  model_type: z.literal('vit'),
  hidden_size: z.number().int().positive(),
  num_hidden_layers: z.number().int().positive(),
  num_attention_heads: z.number().int().positive(),
  image_size: z.number().int().positive(),
  patch_size: z.number().int().positive(),
  layer_norm_eps: z.number().positive().default(1e-12),
  hidden_act: z.enum(['gelu', 'gelu_pytorch_tanh', 'gelu_new']).default('gelu'),
  id2label: z.record(z.string().regex(/^\d+$/), z.string()),
});

const channels = z.array(z.number()).length(3);

const preparationSchema = z.object({
  do_resize: z.literal(true).default(true),
  do_rescale: z.boolean().default(true),
  do_normalize: z.boolean().default(true),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  image_mean: channels.default([0.5, 0.5, 0.5]),
  image_std: channels.default([0.5, 0.5, 0.5]),
  /** Pillow's number of a filter. */
  resample: z.number().int().default(2),
  size: z
    .union([
      z.object({ height: z.number().int().positive(), width: z.number().int().positive() }),
      z
        .number()
        .int()
        .positive()
        .transform((side) => ({ height: side, width: side })),
    ])
    .optional(),
});

/** Pillow's filters by number; it has more, which classifiers do not use. */
const kernels = new Map<number, keyof KernelEnum>([
  [0, 'nearest'],
  [1, 'lanczos3'],
  [2, 'linear'],
  [3, 'cubic'],
]);

export type VisionTransformerConfig = z.infer<typeof modelSchema>;

/**
 * Reads `config.json` and `preprocessor_config.json` of a ViT image classifier.
 *
 * @throws SoundstageError `weights` that names the file and what does not fit
 */
export async function readVisionTransformerConfig(
  folder: string,
): Promise<{ readonly config: VisionTransformerConfig; readonly preparation: PicturePreparation }> {
  const config = await readJsonFile(join(folder, 'config.json'), modelSchema);
  const path = join(folder, 'preprocessor_config.json');
  const { resample, size, ...stated } = await readJsonFile(path, preparationSchema);
  const side = config.image_size;
  const { width, height } = size ?? { width: side, height: side };
  if (width !== side || height !== side)
    throw unusable(path, `${width}×${height}, but the network takes ${side}×${side}`);
  const kernel = kernels.get(resample);
  if (kernel === undefined) throw unusable(path, `the unknown filter ${resample}`);
  const factor = stated.do_rescale ? stated.rescale_factor : 1;
  const normalization = stated.do_normalize
    ? { mean: stated.image_mean, deviation: stated.image_std }
    : { mean: [0, 0, 0], deviation: [1, 1, 1] };
  return Object.freeze({ config, preparation: { width, height, kernel, factor, ...normalization } });
}

async function readJsonFile<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.infer<Schema>> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    if (cause instanceof z.ZodError) {
      const [issue] = cause.issues;
      throw unusable(path, `${issue?.path.join('.')}: ${issue?.message}`, cause);
    }
    throw unusable(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function unusable(path: string, what: string, cause?: unknown): SoundstageError {
  return new SoundstageError('weights', `${path} does not describe a usable ViT classifier: ${what}`, { cause });
}
