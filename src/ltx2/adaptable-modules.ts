import type { Checkpoint } from './checkpoint.ts';
import { transformerPrefix } from './transformer/modules.ts';

/** Shape of the weight of each module that a LoRA may change, by module path. */
export type AdaptableModules = ReadonlyMap<string, readonly number[]>;

const featureProjection = 'text_embedding_projection.aggregate_embed';

/**
 * All that LoRAs may change: every parameter of the transformer and of the text connectors, and the feature projection
 * before them. Biases go with their module.
 */
export function adaptableModules(checkpoint: Checkpoint): AdaptableModules {
  const modules = new Map<string, readonly number[]>();
  for (const [key, { shape }] of checkpoint.tensors) {
    const path = key.startsWith(transformerPrefix) ? key.slice(transformerPrefix.length) : key;
    if (path === key && !key.startsWith(`${featureProjection}.`)) continue;
    if (/\.(?:bias|weight_scale|input_scale)$/.test(path)) continue;
    modules.set(path.replace(/\.weight$/, ''), shape);
  }
  return modules;
}

/** Whether a module takes part in making contexts out of text, and not in denoising. */
export function isTextModule(module: string): boolean {
  return module === featureProjection || /^(?:video|audio)_embeddings_connector\./.test(module);
}
