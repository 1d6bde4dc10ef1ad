import { join } from 'node:path';
import { fileSize, snapshotFolders } from './hub/cache.ts';
import { readShardNames } from './shard-index.ts';
import type { HubFiles } from './weight-sets.ts';

/** What the cache has of a group of files that belong together. */
export interface CachedFiles {
  /** The snapshot folder that has most of them; undefined where there is none. */
  readonly folder: string | undefined;
  readonly present: readonly string[];
  readonly missing: readonly string[];
}

/**
 * Looks the files up in every snapshot of their repository, without the network. The one the revision points to comes
 * first, but an older one that is complete is as good: other tools move the revision without fetching everything.
 */
export async function findCachedFiles(cache: string, group: HubFiles): Promise<CachedFiles> {
  const fallback = group.shardIndex === undefined ? group.files : [...group.files, group.shardIndex];
  let best: CachedFiles = { folder: undefined, present: [], missing: fallback };
  for (const folder of await snapshotFolders(cache, group.repo, group.revision)) {
    const found = await inspectSnapshot(folder, group);
    if (found.missing.length === 0) return found;
    if (found.present.length > best.present.length) best = found;
  }
  return best;
}

/** Path of the only file of `group`, or undefined where the cache has it not. */
export function pathOfOnly({ folder, missing, present }: CachedFiles): string | undefined {
  const name = present[0];
  return folder === undefined || name === undefined || missing.length > 0 ? undefined : join(folder, name);
}

async function inspectSnapshot(folder: string, group: HubFiles): Promise<CachedFiles> {
  const present: string[] = [];
  const missing: string[] = [];
  const look = async (name: string): Promise<boolean> => {
    const found = (await fileSize(join(folder, name))) !== undefined;
    (found ? present : missing).push(name);
    return found;
  };
  for (const name of group.files) await look(name);
  const { shardIndex } = group;
  if (shardIndex !== undefined && (await look(shardIndex))) {
    for (const name of await readShardNames(join(folder, shardIndex))) await look(name);
  }
  for (const name of group.optional ?? []) {
    if ((await fileSize(join(folder, name))) !== undefined) present.push(name);
  }
  return { folder, present, missing };
}

/** Bytes of the files present. */
export async function cachedBytes({ folder, present }: CachedFiles): Promise<number> {
  if (folder === undefined) return 0;
  const sizes = await Promise.all(present.map((name) => fileSize(join(folder, name))));
  return sizes.reduce((sum: number, size) => sum + (size ?? 0), 0);
}

/** Names for a message: at most four, then a count. */
export function nameSome(names: readonly string[]): string {
  const shown = names.slice(0, 4);
  return names.length > shown.length ? `${shown.join(', ')} and ${names.length - shown.length} more` : shown.join(', ');
}
