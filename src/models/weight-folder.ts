import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SoundstageError } from '../shared/errors.ts';
import { type CameraMove, cameraMoveOf } from './camera-moves.ts';
import { fileSize } from './hub/cache.ts';
import { readShardNames } from './shard-index.ts';

/** A complete set of weights on disk. Paths are absolute; cache entries are links. */
export interface WeightSet {
  readonly id: string;
  /** Checkpoint with transformer, connectors, VAEs and vocoder. */
  readonly bundle: string;
  readonly upscaler: string;
  /** Folder with `config.json`, `tokenizer.json` and one or more `.safetensors` files. */
  readonly textEncoder: string;
  readonly cameraLoras: Readonly<Partial<Record<CameraMove, string>>>;
  /** Other LoRAs that come with the weights, by file name; absent where none can. */
  readonly loras?: Readonly<Record<string, string>>;
}

/** File names inside a weights folder. */
interface FolderLayout {
  readonly bundle: string;
  readonly upscaler: string;
  readonly textEncoder: string;
}

/**
 * Finds the weights in a folder of the user's own: one bundle `*.safetensors`, one spatial `*upscaler*.safetensors`, optional
 * `*camera-control-MOVE*.safetensors`, the text encoder in `gemma/`, and optional LoRAs in `loras/`. Of several bundles the
 * one named `distilled` is meant: the schedules are for that.
 *
 * @throws SoundstageError `weights`
 */
export async function readWeightFolder(folder: string): Promise<WeightSet> {
  const weights = await listWeights(folder);
  const upscaler = only(
    folder,
    'upscaler (*upscaler*.safetensors without "temporal" in its name)',
    weights.filter((name) => isUpscaler(name) && !/temporal/i.test(name)),
  );
  const bundles = weights.filter((name) => !isUpscaler(name) && !/lora|camera[-_]control/i.test(name));
  const distilled = bundles.filter((name) => /distilled/i.test(name));
  const bundle = only(
    folder,
    'bundle (*.safetensors without "upscaler" or "lora" in its name)',
    distilled.length > 0 ? distilled : bundles,
  );
  return readLaidOutFolder(basename(folder), folder, { bundle, upscaler, textEncoder: 'gemma' });
}

/** As `readWeightFolder`, with known names. */
export async function readLaidOutFolder(id: string, folder: string, layout: FolderLayout): Promise<WeightSet> {
  const missing = await missingFrom(folder, layout);
  if (missing.length > 0)
    throw new SoundstageError('weights', `${folder} has no ${missing.join(', ')}: add what is missing`);
  const cameraLoras: Partial<Record<CameraMove, string>> = {};
  for (const name of await listWeights(folder)) {
    const move = cameraMoveOf(name);
    if (move !== undefined) cameraLoras[move] = join(folder, name);
  }
  return Object.freeze({
    id,
    bundle: join(folder, layout.bundle),
    upscaler: join(folder, layout.upscaler),
    textEncoder: join(folder, layout.textEncoder),
    cameraLoras: Object.freeze(cameraLoras),
    loras: await listLoras(join(folder, 'loras')),
  });
}

async function listLoras(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
  const loras = names.filter((name) => name.endsWith('.safetensors')).sort();
  return Object.freeze(Object.fromEntries(loras.map((name) => [name, join(folder, name)])));
}

async function missingFrom(folder: string, { bundle, upscaler, textEncoder }: FolderLayout): Promise<string[]> {
  const index = join(textEncoder, 'model.safetensors.index.json');
  const isSharded = (await fileSize(join(folder, index))) !== undefined;
  const shards = isSharded ? await readShardNames(join(folder, index)) : ['model.safetensors'];
  const inEncoder = ['config.json', 'tokenizer.json', 'tokenizer_config.json', ...shards];
  const missing: string[] = [];
  for (const name of [bundle, upscaler, ...inEncoder.map((file) => join(textEncoder, file))]) {
    if ((await fileSize(join(folder, name))) === undefined) missing.push(name);
  }
  return missing;
}

async function listWeights(folder: string): Promise<readonly string[]> {
  try {
    // Hidden files are what macOS keeps about others.
    return (await readdir(folder)).filter((name) => /^[^.].*\.safetensors$/.test(name)).sort();
  } catch (cause) {
    throw new SoundstageError('weights', `cannot read the weights folder ${folder}: check the path`, { cause });
  }
}

function isUpscaler(name: string): boolean {
  return /upscaler/i.test(name);
}

function only(folder: string, what: string, names: readonly string[]): string {
  const [name, ...others] = names;
  if (name === undefined) throw new SoundstageError('weights', `${folder} has no ${what}: add one`);
  if (others.length === 0) return name;
  throw new SoundstageError(
    'weights',
    `${folder} has more than one ${what}, ${names.join(' and ')}: keep only one there, or make a folder of links to what you want`,
  );
}
