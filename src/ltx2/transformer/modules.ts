import type { Checkpoint } from '../checkpoint.ts';

/** Keys of the transformer start with this; what follows is the module path LoRA files use. */
export const transformerPrefix = 'model.diffusion_model.';

/** A linear layer that a LoRA may patch. */
export interface LinearModule {
  readonly outputs: number;
  readonly inputs: number;
}

/** The transformer's linear layers by module path, read off the checkpoint; the text connectors are not among them. */
export function transformerLinears(checkpoint: Checkpoint): ReadonlyMap<string, LinearModule> {
  const modules = new Map<string, LinearModule>();
  for (const [key, { shape }] of checkpoint.tensors) {
    const [outputs, inputs] = shape;
    if (!key.startsWith(transformerPrefix) || !key.endsWith('.weight') || shape.length !== 2) continue;
    const module = key.slice(transformerPrefix.length, -'.weight'.length);
    if (module.includes('embeddings_connector.') || outputs === undefined || inputs === undefined) continue;
    modules.set(module, { outputs, inputs });
  }
  return modules;
}
