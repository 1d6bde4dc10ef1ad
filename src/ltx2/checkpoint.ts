import { readSafetensorsHeader, type SafetensorsHeader, type StoredTensor } from '../graph/weights/safetensors.ts';
import { SoundstageError } from '../shared/errors.ts';

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

/** The tensor stored under `key`. @throws SoundstageError `weights` if there is none */
export function storedTensor(checkpoint: Checkpoint, key: string): StoredTensor {
  const tensor = checkpoint.tensors.get(key);
  if (tensor === undefined) throw new SoundstageError('weights', `${checkpoint.path} has no tensor "${key}"`);
  return tensor;
}

/** A top-level section of the bundle's configuration. @throws SoundstageError `weights` if there is none */
export function configSection(checkpoint: Checkpoint, name: string): unknown {
  if (hasConfigSection(checkpoint, name)) return checkpoint.config[name];
  throw new SoundstageError(
    'weights',
    `${checkpoint.path} has no "${name}" section in its configuration; is it an LTX-2 bundle?`,
  );
}

export function hasConfigSection(
  checkpoint: Checkpoint,
  name: string,
): checkpoint is Checkpoint & { readonly config: Record<string, unknown> } {
  const { config } = checkpoint;
  return typeof config === 'object' && config !== null && name in config;
}

function parseMetadataConfig({ file, metadata }: SafetensorsHeader): unknown {
  if (metadata.config === undefined) return undefined;
  try {
    return JSON.parse(metadata.config);
  } catch (cause) {
    throw new SoundstageError('weights', `${file} holds a configuration that is not JSON`, { cause });
  }
}
