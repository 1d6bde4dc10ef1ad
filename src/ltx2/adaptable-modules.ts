import type { Checkpoint } from '../graph/weights/checkpoint.ts';
import { withoutTransformerPath } from './transformer/modules.ts';

/** A part of a network that a LoRA may change. */
export interface AdaptableModule {
  /** Of its weight, or of the table it is; of a linear layer `[out, in]`. */
  readonly shape: readonly number[];
  /** Whether it is a linear layer, which pairs can branch off beside. Others change by a difference alone. */
  readonly isLinear: boolean;
}

/** By module path. */
export type AdaptableModules = ReadonlyMap<string, AdaptableModule>;

const featureProjection = 'text_embedding_projection.aggregate_embed';

/**
 * All that LoRAs may change: every parameter of the transformer and of the text connectors, and the feature projection
 * before them. Biases go with their module.
 */
export function adaptableModules(checkpoint: Checkpoint): AdaptableModules {
  const modules = new Map<string, AdaptableModule>();
  for (const [key, { shape }] of checkpoint.tensors) {
    const path = withoutTransformerPath(key);
    if (path === key && !key.startsWith(`${featureProjection}.`)) continue;
    if (/\.(?:bias|weight_scale|input_scale)$/.test(path)) continue;
    modules.set(path.replace(/\.weight$/, ''), { shape, isLinear: path.endsWith('.weight') && shape.length === 2 });
  }
  return modules;
}

/** Whether a module takes part in making contexts out of text, and not in denoising. */
export function isTextModule(module: string): boolean {
  return module === featureProjection || /^(?:video|audio)_embeddings_connector\./.test(module);
}
