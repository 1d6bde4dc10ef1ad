import type { Checkpoint } from '../../graph/weights/checkpoint.ts';

/** Where the transformer is in a bundle. */
export const transformerPath = 'model.diffusion_model';

const prefix = `${transformerPath}.`;

/** A key of a bundle as LoRA files write it, without the path of the transformer. */
export function withoutTransformerPath(key: string): string {
  return key.startsWith(prefix) ? key.slice(prefix.length) : key;
}

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
    if (!key.startsWith(prefix) || !key.endsWith('.weight') || shape.length !== 2) continue;
    const module = key.slice(prefix.length, -'.weight'.length);
    if (module.includes('embeddings_connector.') || outputs === undefined || inputs === undefined) continue;
    modules.set(module, { outputs, inputs });
  }
  return modules;
}
