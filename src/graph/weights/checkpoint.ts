import { SoundstageError } from '../../shared/errors.ts';
import { readSafetensorsHeader, type SafetensorsHeader, type StoredTensor } from './safetensors.ts';

/** Tensors by key, over one or several safetensors files, with the configuration from the first file's header. */
export interface Checkpoint {
  /** File or folder, for messages. */
  readonly path: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Parsed `__metadata__.config`; undefined if the header has none. */
  readonly config: unknown;
}

export async function openCheckpoint(path: string): Promise<Checkpoint> {
  const header = await readSafetensorsHeader(path);
  return Object.freeze({ path, tensors: header.tensors, config: parseMetadataConfig(header) });
}

/** Two checkpoints as one, for a network with weights in both, whose keys differ. */
export function joinCheckpoints(one: Checkpoint, other: Checkpoint): Checkpoint {
  return {
    path: `${one.path} or ${other.path}`,
    tensors: new Map([...one.tensors, ...other.tensors]),
    config: one.config,
  };
}

/** The tensor stored under `key`. @throws SoundstageError `weights` if there is none */
export function storedTensor(checkpoint: Checkpoint, key: string): StoredTensor {
  const tensor = checkpoint.tensors.get(key);
  if (tensor === undefined) throw new SoundstageError('weights', `${checkpoint.path} has no tensor "${key}"`);
  return tensor;
}

function parseMetadataConfig({ file, metadata }: SafetensorsHeader): unknown {
  if (metadata.config === undefined) return undefined;
  try {
    return JSON.parse(metadata.config);
  } catch (cause) {
    throw new SoundstageError('weights', `${file} holds a configuration that is not JSON`, { cause });
  }
}
