import { basename, join } from 'node:path';
import type { CameraMove } from './camera-moves.ts';
import { blobPath, fileSize, linkSnapshot, partialPath, snapshotFolder, writeRef } from './hub/cache.ts';
import { describeFile, type Listing, listFiles, type RemoteFile } from './hub/client.ts';
import { requireDiskSpace } from './hub/disk-space.ts';
import { downloadBlob } from './hub/download.ts';
import { mapLimited } from './hub/parallel.ts';
import { cancelled, DEFAULT_RETRY, type RetryPolicy, retrying } from './hub/retry.ts';
import { type HubOptions, type HubSettings, hubSettings } from './hub/settings.ts';
import { Watchdog } from './hub/watchdog.ts';
import { resolveWeights } from './resolve-weights.ts';
import { readShardNames } from './shard-index.ts';
import { Transfer, type TransferProgress } from './transfer.ts';
import type { WeightSet } from './weight-folder.ts';
import { type HubFiles, type HubWeightSet, weightSet } from './weight-sets.ts';

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
 * Throws SoundstageError: `network` (connection, access to a gated repository), `weights` (the hub has no such file, or
 * files are missing in offline mode), `device` (disk), `cancelled`.
 */
export async function fetchWeights(id: string, options: FetchOptions = {}): Promise<WeightSet> {
  const entry = weightSet(id);
  const settings = hubSettings(options);
  if (entry.kind === 'hub' && !settings.offline) {
    await fetchGroups(groupsOf(entry, options.cameras ?? []), settings, options);
  }
  return resolveWeights(id, options);
}

function groupsOf(entry: HubWeightSet, cameras: readonly CameraMove[]): readonly HubFiles[] {
  return [entry.textEncoder, entry.upscaler, entry.bundle, ...cameras.map((move) => entry.cameraLoras[move])];
}

async function fetchGroups(groups: readonly HubFiles[], settings: HubSettings, options: FetchOptions): Promise<void> {
  const { signal, parallel = 3 } = options;
  if (signal?.aborted) throw cancelled();
  const retry = { ...DEFAULT_RETRY, ...options.retry };
  /** One small question to the hub. */
  const ask = <T>(title: string, outer: AbortSignal, question: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    retrying(title, retry, outer, async () => {
      using watchdog = new Watchdog(retry.stallTimeout, outer);
      return await question(watchdog.signal);
    });
  const describe = (wanted: readonly { readonly listing: Listing; readonly path: string }[]) =>
    mapLimited(wanted, parallel, signal, ({ listing, path }, inner) =>
      ask(`asking for ${path}`, inner, (each) => describeFile(settings, listing, path, each)),
    );

  const revisions = new Map(groups.map(({ repo, revision }) => [repo, revision]));
  const listings = await mapLimited([...revisions], parallel, signal, ([repo, revision], inner) =>
    ask(`asking for ${repo}`, inner, (each) => listFiles(settings, repo, revision, each)),
  );
  const listingOf = new Map(listings.map((listing) => [listing.repo, listing]));
  const wanted = groups.flatMap((group) => {
    const listing = listingOf.get(group.repo);
    return listing === undefined ? [] : pathsOf(group, listing).map((path) => ({ listing, path }));
  });
  // All files are asked for before the first is fetched: a licence to accept must not come up after hours of download.
  const files = [...(await describe(wanted))];

  const indexes = groups.flatMap(({ repo, shardIndex }) =>
    files.filter((f) => f.repo === repo && f.path === shardIndex),
  );
  for (const index of indexes) {
    await downloadBlob(settings, index, { retry, signal });
    await linkSnapshot(settings.cache, index.repo, index.commit, index.path, index.etag);
    const listing = listingOf.get(index.repo);
    if (listing === undefined) continue;
    const shards = await readShardNames(join(snapshotFolder(settings.cache, index.repo, index.commit), index.path));
    files.push(...(await describe(shards.map((path) => ({ listing, path })))));
  }

  // Small files first: they are what tells an interrupted fetch from none.
  files.sort((a, b) => a.size - b.size);
  await downloadAll(files, settings, { ...options, retry, parallel });
  for (const { repo, commit } of listings) await writeRef(settings.cache, repo, revisions.get(repo) ?? commit, commit);
}

async function downloadAll(
  files: readonly RemoteFile[],
  settings: HubSettings,
  options: FetchOptions & { readonly retry: RetryPolicy; readonly parallel: number },
): Promise<void> {
  const transfer = new Transfer(options.onProgress);
  const rows = await Promise.all(
    files.map(async (file) => ({
      file,
      row: transfer.add(basename(file.path), file.size, await bytesHere(settings.cache, file)),
    })),
  );
  await requireDiskSpace(settings.cache, transfer.total - transfer.bytes);
  await mapLimited(rows, options.parallel, options.signal, async ({ file, row }, signal) => {
    await downloadBlob(settings, file, {
      retry: options.retry,
      signal,
      onProgress: (state, bytes) => row.update(state, bytes),
    });
    await linkSnapshot(settings.cache, file.repo, file.commit, file.path, file.etag);
  });
}

function pathsOf(group: HubFiles, listing: Listing): readonly string[] {
  const optional = (group.optional ?? []).filter((path) => listing.files.has(path));
  return [...group.files, ...(group.shardIndex === undefined ? [] : [group.shardIndex]), ...optional];
}

async function bytesHere(cache: string, { repo, etag, size }: RemoteFile): Promise<number> {
  if ((await fileSize(blobPath(cache, repo, etag))) === size) return size;
  return Math.min(size, (await fileSize(partialPath(cache, repo, etag))) ?? 0);
}
