import { createHash } from 'node:crypto';
import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { blobPath, fileSize, partialPath, snapshotFolders } from '../../models/hub/cache.ts';
import { describeFile, listFiles, type RemoteFile } from '../../models/hub/client.ts';
import { hashFile } from '../../models/hub/content-hash.ts';
import { downloadBlob } from '../../models/hub/download.ts';
import { defaultRetry, type RetryPolicy, retrying } from '../../models/hub/retry.ts';
import type { HubSettings } from '../../models/hub/settings.ts';
import { Watchdog } from '../../models/hub/watchdog.ts';
import { cancelled } from '../../shared/cancellation.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { downloadError, downloadTooLarge } from '../download-error.ts';
import { timeLimit } from '../time-limit.ts';
import type { HubReference } from './hub-reference.ts';
import type { LoraDownload, LoraLease } from './lora-cache.ts';
import { chooseLora } from './lora-choice.ts';
import { type LoraFetch, requireSafetensors, sourceKey } from './lora-source.ts';

export interface HubLoraFetch extends LoraFetch {
  readonly hub: HubSettings;
  readonly retry?: Partial<RetryPolicy> | undefined;
}

/** Somebody waits for the answer, so an outage of minutes is not ridden out. */
const fewerAttempts = { attempts: 3, maxDelay: 4000 } as const;

/**
 * Fetches a LoRA from the model hub, verified by the hub's hash, unless it is cached here or in the cache of the hub's
 * own tools. An interrupted download goes on where it ended.
 *
 * @throws SoundstageError `input` (type `file_download_error` where the hub does not give it), `device`, `cancelled`
 */
export async function fetchHubLora(
  reference: HubReference,
  weightName: string | undefined,
  fetch: HubLoraFetch,
): Promise<LoraLease> {
  const wanted = weightName ?? reference.file;
  if (fetch.hub.offline) return findOffline(reference, wanted, fetch);
  const limit = timeLimit(fetch.timeout, fetch.signal);
  try {
    const file = await describeLora(reference, wanted, fetch, limit.signal);
    if (file.size > fetch.maxBytes) throw downloadTooLarge(fetch);
    return (await findCached(file, fetch)) ?? (await download(file, fetch, limit.signal));
  } catch (error) {
    if (limit.ended() === 'cancelled') throw cancelled(error);
    if (limit.ended() === 'timeout') throw downloadError(fetch, `it took longer than ${fetch.timeout / 1000} s`, error);
    if (!(error instanceof SoundstageError) || error.kind === 'input' || error.kind === 'device') throw error;
    throw downloadError(fetch, error.message, error);
  }
}

async function describeLora(
  { repo, revision }: HubReference,
  wanted: string | undefined,
  { hub, field, retry }: HubLoraFetch,
  outer: AbortSignal,
): Promise<RemoteFile> {
  const policy = { ...defaultRetry, ...fewerAttempts, ...retry };
  const ask = <T>(question: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    retrying(`asking for ${repo}`, policy, outer, async () => {
      using watchdog = new Watchdog(policy.stallTimeout, outer);
      return await question(watchdog.signal);
    });
  const listing = await ask((signal) => listFiles(hub, repo, revision, signal));
  const name = chooseLora([...listing.files.keys()], wanted, repo, field);
  return ask((signal) => describeFile(hub, listing, name, signal));
}

async function findCached(file: RemoteFile, { cache, hub, field }: HubLoraFetch): Promise<LoraLease | undefined> {
  // The hub names large files by their SHA-256, as the cache does.
  const hash = file.etag.length === 64 ? file.etag : cache.source(keyOf(file))?.hash;
  const cached = hash === undefined ? undefined : cache.lease(hash);
  if (cached !== undefined) return cached;
  const blob = blobPath(hub.cache, file.repo, file.etag);
  return (await fileSize(blob)) === file.size ? foreign(blob, field) : undefined;
}

async function download(file: RemoteFile, fetch: HubLoraFetch, signal: AbortSignal): Promise<LoraLease> {
  const { cache, onFetch, field } = fetch;
  const key = keyOf(file);
  await using download = await cache.startDownload(key, { signal, onWait: () => onFetch?.('waiting') });
  const cached = await findCached(file, fetch);
  if (cached !== undefined) return cached;
  onFetch?.('fetching', file.size);
  await cache.makeRoom(file.size);
  const blob = await downloadInto(download, file, fetch, signal);
  await requireSafetensors(blob, { field });
  const hash = file.etag.length === 64 ? file.etag : await sha256(blob, signal);
  await cache.makeRoom(0);
  return cache.publish(blob, hash, key, { checkedAt: Date.now() });
}

async function downloadInto(
  download: LoraDownload,
  file: RemoteFile,
  { hub, retry }: HubLoraFetch,
  signal: AbortSignal,
): Promise<string> {
  const policy = { ...defaultRetry, ...fewerAttempts, ...retry };
  try {
    await downloadBlob({ ...hub, cache: download.folder }, file, { retry: policy, signal });
  } catch (error) {
    if (await fileSize(partialPath(download.folder, file.repo, file.etag))) download.keep();
    throw error;
  }
  return blobPath(download.folder, file.repo, file.etag);
}

function keyOf({ repo, etag }: RemoteFile): string {
  return sourceKey('hub', repo, etag);
}

async function sha256(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await hashFile(path, hash, { signal });
  return hash.digest('hex');
}

async function findOffline(
  { repo, revision }: HubReference,
  wanted: string | undefined,
  { hub, field }: HubLoraFetch,
): Promise<LoraLease> {
  for (const folder of await snapshotFolders(hub.cache, repo, revision)) {
    const names = (await readdir(folder, { recursive: true })).map((name) => name.replaceAll('\\', '/'));
    if (names.some((name) => name.endsWith('.safetensors'))) {
      return foreign(join(folder, chooseLora(names, wanted, repo, field)), field);
    }
  }
  throw downloadError({ field }, `${repo} is not on this machine, and the server is offline (HF_HUB_OFFLINE)`);
}

/** A file of the hub tools' own cache, which this cache never removes. */
async function foreign(path: string, field: string): Promise<LoraLease> {
  const real = await realpath(path);
  await requireSafetensors(real, { field });
  return Object.freeze({ path: real, [Symbol.dispose]: () => {} });
}
