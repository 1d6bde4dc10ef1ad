import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/**
 * A hash of the kind the hub names blobs by: SHA-256 of the content (etag of 64 hex digits, LFS files), or git's SHA-1
 * of `blob SIZE\0` and the content (40 hex digits, small files).
 */
export function contentHash(etag: string, size: number): Hash {
  return etag.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);
}

/** Feeds a file, or its first `end` bytes, into `hash`. */
export async function hashFile(
  path: string,
  hash: Hash,
  options: { readonly signal?: AbortSignal | undefined; readonly onBytes?: (bytes: number) => void } = {},
): Promise<void> {
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal: options.signal })) {
    hash.update(chunk);
    bytes += chunk.length;
    options.onBytes?.(bytes);
  }
}
