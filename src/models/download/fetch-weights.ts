import { basename } from 'node:path';
import type { CameraMove } from '../camera-moves.ts';
import { blobPath, fileSize, linkSnapshot, partialPath, writeRef } from '../hub/cache.ts';
import type { RemoteFile } from '../hub/client.ts';
import { requireDiskSpace } from '../hub/disk-space.ts';
import { downloadBlob } from '../hub/download.ts';
import { mapLimited } from '../hub/parallel.ts';
import { defaultRetry, downloadCancelled, type RetryPolicy } from '../hub/retry.ts';
import { type HubOptions, type HubSettings, hubSettings } from '../hub/settings.ts';
import { resolveWeights } from '../resolve-weights.ts';
import type { WeightSet } from '../weight-folder.ts';
import { type HubFiles, type HubWeightSet, weightSet } from '../weight-sets.ts';
import { type FetchPlan, type PlanOptions, planFetch } from './fetch-plan.ts';
import { Transfer, type TransferProgress } from './transfer.ts';

export interface FetchOptions extends HubOptions {
  /** Camera LoRAs to fetch as well. */
  readonly cameras?: readonly CameraMove[] | undefined;
  /** Files fetched at the same time; default 3. */
  readonly parallel?: number | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
  /** Cancels; what is partly there stays, and the next fetch goes on from it. */
  readonly signal?: AbortSignal | undefined;
  /** Called for every piece that arrives. */
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
}

/**
 * Fetches what the cache lacks of a weight set, verified, and gives the resolved set.
 *
 * @throws SoundstageError `network` (connection, access to a gated repository), `weights` (the hub has no such file, or
 *   files are missing in offline mode), `device` (disk), `cancelled`
 */
export async function fetchWeights(id: string, options: FetchOptions = {}): Promise<WeightSet> {
  const entry = weightSet(id);
  if (options.signal?.aborted) throw downloadCancelled();
  if (entry.kind === 'hub') await fetchFiles(groupsOf(entry, options.cameras ?? []), options);
  return resolveWeights(id, options);
}

/**
 * Fetches what the cache lacks of `groups`, verified; nothing in offline mode.
 *
 * @throws SoundstageError as `fetchWeights`
 */
export async function fetchFiles(
  groups: readonly HubFiles[],
  { parallel = 3, retry, signal, onProgress, ...options }: Omit<FetchOptions, 'cameras'>,
): Promise<void> {
  const settings = hubSettings(options);
  if (settings.offline) return;
  const planOptions = { retry: { ...defaultRetry, ...retry }, parallel, signal };
  await carryOut(await planFetch(groups, settings, planOptions), settings, planOptions, onProgress);
}

function groupsOf(entry: HubWeightSet, cameras: readonly CameraMove[]): readonly HubFiles[] {
  return [entry.textEncoder, entry.upscaler, entry.bundle, ...cameras.map((move) => entry.cameraLoras[move])];
}

async function carryOut(
  { files, refs }: FetchPlan,
  settings: HubSettings,
  { retry, parallel, signal: outer }: PlanOptions,
  onProgress: FetchOptions['onProgress'],
): Promise<void> {
  const { cache } = settings;
  const transfer = new Transfer(onProgress);
  const sizes = await Promise.all(files.map((file) => bytesHere(cache, file)));
  const rows = files.map((file, index) => ({ file, row: transfer.add(basename(file.path), file.size, sizes[index]) }));
  await requireDiskSpace(cache, transfer.total - transfer.bytes);
  await mapLimited(rows, parallel, outer, async ({ file, row }, signal) => {
    await downloadBlob(settings, file, { retry, signal, onProgress: (state, bytes) => row.update(state, bytes) });
    await linkSnapshot(cache, file.repo, file.commit, file.path, file.etag);
  });
  for (const { repo, revision, commit } of refs) await writeRef(cache, repo, revision, commit);
}

async function bytesHere(cache: string, { repo, etag, size }: RemoteFile): Promise<number> {
  if ((await fileSize(blobPath(cache, repo, etag))) === size) return size;
  return Math.min(size, (await fileSize(partialPath(cache, repo, etag))) ?? 0);
}
