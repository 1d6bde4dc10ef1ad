import { join } from 'node:path';
import { z } from 'zod';
import { type Checkpoint, openCheckpoint } from '../../../graph/weights/checkpoint.ts';
import { SoundstageError } from '../../../shared/errors.ts';
import { type GemmaConfig, parseConfig } from '../../config.ts';
import { readJson, readJsonIfThere } from '../json-file.ts';

/** A Gemma 3 folder in Hugging Face layout. Holds no file handles. */
export interface GemmaFolder {
  readonly path: string;
  readonly config: GemmaConfig;
  /** Tensors of all shards. */
  readonly checkpoint: Checkpoint;
  /** Module path of the text stack. */
  readonly root: string;
}

const shardIndex = z.object({
  // File names only: an index must not reach outside its folder.
  weight_map: z.record(z.string(), z.string().regex(/^[\w.-]+\.safetensors$/)),
});

/** Where the text stack is, as published and as re-saved by newer versions of transformers. */
const roots = ['language_model.model', 'model.language_model'];

/**
 * Opens the text stack of a Gemma 3 folder: `config.json` and `model.safetensors`, or the shards that
 * `model.safetensors.index.json` lists.
 *
 * @throws SoundstageError `weights` naming the file that is missing or does not fit
 */
export async function openTextEncoder(folder: string): Promise<GemmaFolder> {
  const configPath = join(folder, 'config.json');
  const config = parseConfig('gemma', await readJson(configPath), configPath);
  const files = await weightFiles(folder);
  const shards = await Promise.all(files.map((file) => openCheckpoint(join(folder, file))));
  const tensors = new Map(shards.flatMap((shard) => [...shard.tensors]));
  const root = roots.find((candidate) => tensors.has(`${candidate}.embed_tokens.weight`));
  if (root === undefined) {
    const keys = roots.map((candidate) => `"${candidate}.embed_tokens.weight"`).join(' or ');
    throw new SoundstageError('weights', `${folder} holds no Gemma 3 text stack: there is no tensor ${keys}`);
  }
  return Object.freeze({ path: folder, config, checkpoint: { path: folder, tensors, config: undefined }, root });
}

async function weightFiles(folder: string): Promise<readonly string[]> {
  const path = join(folder, 'model.safetensors.index.json');
  const json = await readJsonIfThere(path);
  if (json === undefined) return ['model.safetensors'];
  const index = shardIndex.safeParse(json);
  if (!index.success) {
    throw new SoundstageError('weights', `${path} is not an index of safetensors shards`, { cause: index.error });
  }
  return [...new Set(Object.values(index.data.weight_map))].toSorted();
}
