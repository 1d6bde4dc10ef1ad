import { blobPath, lockPath, partialPath } from './cache.ts';
import { openFile, type RemoteFile } from './client.ts';
import type { HubSettings } from './settings.ts';
import { fetchVerified, type TransferOptions } from './verified-transfer.ts';

/**
 * Brings the content of `file` into the cache as a verified blob, going on from what an earlier try left.
 *
 * @throws SoundstageError `network` (connection, access, damaged twice), `device` (disk), `cancelled` (the partial file
 *   stays for the next try)
 */
export function downloadBlob(settings: HubSettings, file: RemoteFile, options: TransferOptions): Promise<void> {
  const { cache } = settings;
  const { repo, path: title, size, etag } = file;
  const paths = {
    folder: cache,
    target: blobPath(cache, repo, etag),
    partial: partialPath(cache, repo, etag),
    lock: lockPath(cache, repo, etag),
  };
  const open = (from: number, signal: AbortSignal): Promise<Response> => openFile(settings, file, from, signal);
  return fetchVerified({ title, size, etag, open }, paths, options);
}
