import { SoundstageError } from '../shared/errors.ts';
import { type CachedFiles, findCachedFiles, nameSome } from './cached-files.ts';
import { type FetchOptions, fetchFiles } from './download/fetch-weights.ts';
import { type HubOptions, hubSettings } from './hub/settings.ts';
import { fetchCommand } from './resolve-weights.ts';
import type { HubFiles } from './weight-sets.ts';

const files: HubFiles = {
  repo: 'Falconsai/nsfw_image_detection',
  revision: 'main',
  files: ['config.json', 'preprocessor_config.json', 'model.safetensors'],
};

/** The safety checker's picture model on the hub, a ViT-Base with two classes (Apache-2.0). */
export const safetyModel = Object.freeze({
  id: 'safety',
  title: 'stronger picture model of the safety checker',
  /** Approximate. */
  bytes: 343e6,
  files,
});

/** What the cache has of the safety model, without the network. */
export function cachedSafetyModel(options: HubOptions = {}): Promise<CachedFiles> {
  return findCachedFiles(hubSettings(options).cache, files);
}

/** Folder of the safety model; undefined where it is not complete. Never fetches. */
export async function findSafetyModel(options: HubOptions = {}): Promise<string | undefined> {
  const { folder, missing } = await cachedSafetyModel(options);
  return missing.length === 0 ? folder : undefined;
}

/**
 * Folder of the safety model.
 *
 * @throws SoundstageError `weights` with the command that fetches it
 */
export async function resolveSafetyModel(options: HubOptions = {}): Promise<string> {
  const { folder, missing } = await cachedSafetyModel(options);
  if (folder !== undefined && missing.length === 0) return folder;
  throw new SoundstageError(
    'weights',
    `the safety model lacks ${nameSome(missing)} in ${hubSettings(options).cache}: ` +
      `fetch it with \`${fetchCommand(safetyModel.id, options)}\``,
  );
}

/**
 * Fetches what the cache lacks of the safety model and gives its folder.
 *
 * @throws SoundstageError as `fetchWeights`
 */
export async function fetchSafetyModel(options: FetchOptions = {}): Promise<string> {
  await fetchFiles([files], options);
  return resolveSafetyModel(options);
}
