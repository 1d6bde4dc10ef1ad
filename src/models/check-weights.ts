import { readdir, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { findCachedFiles } from './cached-files.ts';
import { cameraMoves } from './camera-moves.ts';
import { Transfer, type TransferProgress } from './download/transfer.ts';
import { fileSize, isSymlink, repoFolder } from './hub/cache.ts';
import { contentHash, hashFile } from './hub/content-hash.ts';
import { downloadCancelled } from './hub/retry.ts';
import { type HubOptions, hubSettings } from './hub/settings.ts';
import { resolveWeights } from './resolve-weights.ts';
import { safetensorsExtent } from './safetensors-extent.ts';
import { safetyModel } from './safety-model.ts';
import { findWeightSet, type HubFiles, type HubWeightSet } from './weight-sets.ts';

/**
 * - `ok`: the content has the hash it is named by
 * - `complete`: no hash is on record, but the file has the length its own header demands
 * - `damaged`, `missing`
 */
type CheckState = 'ok' | 'complete' | 'damaged' | 'missing';

export interface FileCheck {
  readonly name: string;
  /** Where the content is; for a missing file, where it was looked for. */
  readonly path: string;
  readonly state: CheckState;
}

export interface CheckOptions extends HubOptions {
  /** Delete damaged files of the cache, so that the next fetch gets them again. */
  readonly removeDamaged?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
}

/**
 * Reads every file of a weight set again and compares it with the hash it is named by; needs no network.
 *
 * @throws SoundstageError as `resolveWeights` for folders and embedded weights, and `cancelled`
 */
export async function checkWeights(idOrFolder: string, options: CheckOptions = {}): Promise<readonly FileCheck[]> {
  const entry = findWeightSet(idOrFolder);
  const { cache } = hubSettings(options);
  const files =
    idOrFolder === safetyModel.id
      ? await groupFiles(cache, safetyModel.files)
      : entry?.kind === 'hub'
        ? await cachedFilesOf(entry, cache)
        : await folderFilesOf(idOrFolder, options);
  const transfer = new Transfer(options.onProgress);
  const rows = await Promise.all(files.map(async (path) => ({ path, size: await fileSize(path) })));
  const checks: FileCheck[] = [];
  for (const { path, size, row } of rows.map((each) => ({
    ...each,
    row: transfer.add(basename(each.path), each.size ?? 0),
  }))) {
    const onBytes = (bytes: number): void => row.update('checking', bytes);
    const state = size === undefined ? 'missing' : await checkFile(path, size, onBytes, options.signal);
    const content = size === undefined ? path : await realpath(path);
    if (state === 'damaged' && options.removeDamaged && (await isBlobLink(path, content))) await rm(content);
    checks.push({ name: basename(path), path: content, state });
    row.update('done', size);
  }
  return checks;
}

async function cachedFilesOf(entry: HubWeightSet, cache: string): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const group of [entry.bundle, entry.upscaler, entry.textEncoder]) {
    paths.push(...(await groupFiles(cache, group)));
  }
  for (const move of cameraMoves) {
    const { folder, present } = await findCachedFiles(cache, entry.cameraLoras[move]);
    if (folder !== undefined) paths.push(...present.map((name) => join(folder, name)));
  }
  return paths;
}

async function groupFiles(cache: string, group: HubFiles): Promise<readonly string[]> {
  const { folder, present, missing } = await findCachedFiles(cache, group);
  return [...present, ...missing].map((name) => join(folder ?? repoFolder(cache, group.repo), name));
}

async function folderFilesOf(idOrFolder: string, options: CheckOptions): Promise<readonly string[]> {
  const { bundle, upscaler, textEncoder, cameraLoras } = await resolveWeights(idOrFolder, options);
  const encoder = (await readdir(textEncoder)).filter((name) => /\.(safetensors|json)$/.test(name)).sort();
  return [bundle, upscaler, ...encoder.map((name) => join(textEncoder, name)), ...Object.values(cameraLoras)];
}

async function checkFile(
  path: string,
  size: number,
  onBytes: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<CheckState> {
  const content = await realpath(path);
  if (await isBlobLink(path, content)) {
    const etag = basename(content);
    const hash = contentHash(etag, size);
    try {
      await hashFile(content, hash, { signal, onBytes });
    } catch (error) {
      if (signal?.aborted) throw downloadCancelled(error);
      throw error;
    }
    return hash.digest('hex') === etag ? 'ok' : 'damaged';
  }
  if (!path.endsWith('.safetensors')) return size > 0 ? 'complete' : 'damaged';
  return (await safetensorsExtent(path)) === size ? 'complete' : 'damaged';
}

async function isBlobLink(path: string, content: string): Promise<boolean> {
  const isBlob = basename(dirname(content)) === 'blobs' && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(basename(content));
  return isBlob && (await isSymlink(path));
}
