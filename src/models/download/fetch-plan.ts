import { join } from 'node:path';
import { linkSnapshot, snapshotFolder } from '../hub/cache.ts';
import { describeFile, type Listing, listFiles, type RemoteFile } from '../hub/client.ts';
import { downloadBlob } from '../hub/download.ts';
import { mapLimited } from '../hub/parallel.ts';
import { type RetryPolicy, retrying } from '../hub/retry.ts';
import type { HubSettings } from '../hub/settings.ts';
import { Watchdog } from '../hub/watchdog.ts';
import { readShardNames } from '../shard-index.ts';
import type { HubFiles } from '../weight-sets.ts';

export interface PlanOptions {
  readonly retry: RetryPolicy;
  readonly parallel: number;
  readonly signal?: AbortSignal | undefined;
}

export interface FetchPlan {
  /** Smallest first: small files on disk are what tells an interrupted fetch from none. */
  readonly files: readonly RemoteFile[];
  /** What each revision points to now. */
  readonly refs: readonly { readonly repo: string; readonly revision: string; readonly commit: string }[];
}

/** Before anything has been fetched nothing is lost by giving up soon: without a connection, the user should know. */
const listingAttempts = 4;

/**
 * Asks the hub for every file of the groups: commit, size and hash. Nothing large is fetched before all answers are in,
 * so that a license to accept does not come up after hours of download; shard indexes are, as they name further files.
 */
export async function planFetch(
  groups: readonly HubFiles[],
  settings: HubSettings,
  { retry, parallel, signal }: PlanOptions,
): Promise<FetchPlan> {
  const ask = <T>(title: string, outer: AbortSignal, question: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    retrying(title, { ...retry, attempts: Math.min(retry.attempts, listingAttempts) }, outer, async () => {
      using watchdog = new Watchdog(retry.stallTimeout, outer);
      return await question(watchdog.signal);
    });
  const describe = (listing: Listing, paths: readonly string[]): Promise<readonly RemoteFile[]> =>
    mapLimited(paths, parallel, signal, (path, inner) =>
      ask(`asking for ${path}`, inner, (each) => describeFile(settings, listing, path, each)),
    );

  const revisions = [...new Map(groups.map(({ repo, revision }) => [repo, revision]))];
  const listings = await mapLimited(revisions, parallel, signal, async ([repo, revision], inner) => {
    const listing = await ask(`asking for ${repo}`, inner, (each) => listFiles(settings, repo, revision, each));
    return { repo, revision, commit: listing.commit, listing };
  });

  const files: RemoteFile[] = [];
  const indexes: { readonly index: RemoteFile; readonly listing: Listing }[] = [];
  for (const { repo, listing } of listings) {
    const ours = groups.filter((group) => group.repo === repo);
    const described = await describe(listing, [...new Set(ours.flatMap((group) => pathsOf(group, listing)))]);
    files.push(...described);
    const names = new Set(ours.map(({ shardIndex }) => shardIndex));
    indexes.push(...described.filter(({ path }) => names.has(path)).map((index) => ({ index, listing })));
  }
  for (const { index, listing } of indexes) {
    await downloadBlob(settings, index, { retry, signal });
    await linkSnapshot(settings.cache, index.repo, index.commit, index.path, index.etag);
    const shards = await readShardNames(join(snapshotFolder(settings.cache, index.repo, index.commit), index.path));
    files.push(...(await describe(listing, shards)));
  }
  files.sort((a, b) => a.size - b.size);
  return { files, refs: listings.map(({ repo, revision, commit }) => ({ repo, revision, commit })) };
}

function pathsOf(group: HubFiles, listing: Listing): readonly string[] {
  const optional = (group.optional ?? []).filter((path) => listing.files.has(path));
  return [...group.files, ...(group.shardIndex === undefined ? [] : [group.shardIndex]), ...optional];
}
