import { stat } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { SoundstageError, type SoundstageErrorOptions } from '../shared/errors.ts';
import { findCachedFiles, nameSome, pathOfOnly } from './cached-files.ts';
import { type CameraMove, cameraMoves } from './camera-moves.ts';
import { type HubOptions, type HubSettings, hubSettings } from './hub/settings.ts';
import { readLaidOutFolder, readWeightFolder, type WeightSet } from './weight-folder.ts';
import { type EmbeddedWeightSet, findWeightSet, type HubWeightSet, weightSet } from './weight-sets.ts';

/** Weights without the camera move that was asked for serve every other request. */
const cameraFault = Object.freeze({ field: 'camera_lora', type: 'feature_not_supported' });

export interface ResolveOptions extends HubOptions {
  /** Camera LoRAs that must be there; others are given where present. */
  readonly cameras?: readonly CameraMove[] | undefined;
}

/**
 * Finds a set of weights on disk, by its id in the registry or as a folder of the user's own; never fetches.
 *
 * @throws SoundstageError `weights` with what is missing and the command that fetches it, `input` for an unknown id
 */
export async function resolveWeights(idOrFolder: string, options: ResolveOptions = {}): Promise<WeightSet> {
  const entry = findWeightSet(idOrFolder);
  if (entry?.kind === 'hub') return resolveHub(entry, options);
  const set = entry === undefined ? await resolveFolder(idOrFolder) : await resolveEmbedded(entry);
  const absent = (options.cameras ?? []).filter((move) => set.cameraLoras[move] === undefined);
  if (absent.length === 0) return set;
  throw new SoundstageError(
    'weights',
    `${set.id} has no camera LoRA for ${absent.join(', ')}: leave the camera move out`,
    cameraFault,
  );
}

/** The folder of weights that ship with the program. */
export async function embeddedFolder(entry: EmbeddedWeightSet): Promise<string> {
  if (await isFolder(entry.folder)) return entry.folder;
  throw new SoundstageError(
    'weights',
    `the embedded weights ${entry.id} are not in ${entry.folder}: install Soundstage again, with all its files`,
  );
}

/** The command that fetches a set, with the options that matter for where it goes. */
export function fetchCommand(id: string, options: ResolveOptions): string {
  const cameras = options.cameras?.length ? ` --camera ${options.cameras.join(' ')}` : '';
  const cache = options.cache === undefined ? '' : ` --cache ${JSON.stringify(options.cache)}`;
  return `soundstage models fetch ${id}${cameras}${cache}`;
}

async function resolveEmbedded(entry: EmbeddedWeightSet): Promise<WeightSet> {
  return readLaidOutFolder(entry.id, await embeddedFolder(entry), entry);
}

async function resolveFolder(path: string): Promise<WeightSet> {
  // A bare word that is no folder is a misspelt id.
  if (!isAbsolute(path) && !/[\\/]/.test(path) && !(await isFolder(path))) weightSet(path);
  return readWeightFolder(resolve(path));
}

async function resolveHub(entry: HubWeightSet, options: ResolveOptions): Promise<WeightSet> {
  const settings = hubSettings(options);
  const { cache } = settings;
  const bundle = await findCachedFiles(cache, entry.bundle);
  const upscaler = await findCachedFiles(cache, entry.upscaler);
  const textEncoder = await findCachedFiles(cache, entry.textEncoder);
  const cameraLoras: Partial<Record<CameraMove, string>> = {};
  const missing = [
    ...bundle.missing,
    ...upscaler.missing,
    ...textEncoder.missing.map((name) => `${name} (text encoder)`),
  ];
  const missingCameras: string[] = [];
  for (const move of cameraMoves) {
    const path = pathOfOnly(await findCachedFiles(cache, entry.cameraLoras[move]));
    if (path !== undefined) cameraLoras[move] = path;
    else if (options.cameras?.includes(move)) missingCameras.push(...entry.cameraLoras[move].files);
  }
  const paths = { bundle: pathOfOnly(bundle), upscaler: pathOfOnly(upscaler), textEncoder: textEncoder.folder };
  if (missing.length > 0 || !isComplete(paths)) {
    throw incomplete(entry.id, [...missing, ...missingCameras], settings, options, { field: 'model' });
  }
  if (missingCameras.length > 0) throw incomplete(entry.id, missingCameras, settings, options, cameraFault);
  return Object.freeze({ id: entry.id, ...paths, cameraLoras: Object.freeze(cameraLoras) });
}

type MemberPaths = Pick<WeightSet, 'bundle' | 'upscaler' | 'textEncoder'>;

function isComplete(paths: { readonly [Name in keyof MemberPaths]: string | undefined }): paths is MemberPaths {
  return paths.bundle !== undefined && paths.upscaler !== undefined && paths.textEncoder !== undefined;
}

function incomplete(
  id: string,
  missing: readonly string[],
  { cache, offline }: HubSettings,
  options: ResolveOptions,
  fault: SoundstageErrorOptions,
): SoundstageError {
  const first = offline ? 'leave offline mode (--offline or HF_HUB_OFFLINE) and fetch them' : 'fetch them';
  return new SoundstageError(
    'weights',
    `${id} lacks ${nameSome(missing)} in ${cache}: ${first} with \`${fetchCommand(id, options)}\``,
    fault,
  );
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  return found?.isDirectory() ?? false;
}
