import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { SoundstageError } from '../shared/errors.ts';

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/**
 * File names of the shards that a `*.safetensors.index.json` lists.
 *
 * @throws SoundstageError `weights` on a broken one
 */
export async function readShardNames(path: string): Promise<readonly string[]> {
  const index = indexSchema.safeParse(parseJson(await readFile(path, 'utf8')));
  if (!index.success) {
    throw new SoundstageError('weights', `${path} is not a safetensors index: delete it and fetch the weights again`, {
      cause: index.error,
    });
  }
  const names = [...new Set(Object.values(index.data.weight_map))].sort();
  // Names become paths in the cache, so one that leaves its folder is an attack.
  const bad = names.find((name) => !/^[\w.-]+\.safetensors$/.test(name));
  if (bad !== undefined)
    throw new SoundstageError('weights', `${path} lists ${JSON.stringify(bad)}, which is no shard name`);
  return names;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
