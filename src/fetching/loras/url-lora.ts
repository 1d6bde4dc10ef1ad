import { decodeDataUri } from '../data-uri/data-uri.ts';
import { guardedFetch } from '../http/guarded-fetch.ts';
import { openOwn } from '../input-file.ts';
import type { OwnFile } from '../own-file.ts';
import { refuseMistaken } from '../refuse-mistaken.ts';
import { mistakenForLora } from '../safetensors-check.ts';
import type { LoraLease } from './lora-cache.ts';
import { type LoraFetch, notALora, receiveLora, sourceKey } from './lora-source.ts';

/**
 * Fetches a LoRA from an http(s) URL, unless the server says that the cached version is still the current one. Of
 * several that want the same at the same time, one fetches and the others wait.
 */
export async function fetchUrlLora(url: string, fetch: LoraFetch): Promise<LoraLease> {
  const { cache, client } = fetch;
  const key = sourceKey('url', url);
  const asked = Date.now();
  await using download = await cache.startDownload(key, {
    signal: fetch.signal,
    onWait: () => fetch.onFetch?.('waiting'),
  });
  const source = cache.source(key);
  const cached = source === undefined ? undefined : cache.lease(source.hash);
  // Checked by somebody else while this one waited.
  if (source !== undefined && cached !== undefined && source.checkedAt >= asked) return cached;
  try {
    await using response = await guardedFetch(client, url, { ...fetch, known: cached && source });
    const checkedAt = Date.now();
    if (source !== undefined && cached !== undefined && !response.changed) {
      cache.confirmSource(key, source);
      return cached;
    }
    cached?.[Symbol.dispose]();
    fetch.onFetch?.('fetching', response.size);
    await cache.makeRoom(response.size ?? 0);
    const refuse = (what: string): Error => notALora(fetch, mistakenForLora(what));
    const content = refuseMistaken(response.body, response.host, refuse);
    return await receiveLora(content, download, { ...response.validators, checkedAt }, fetch);
  } catch (error) {
    cached?.[Symbol.dispose]();
    throw error;
  }
}

/** Takes a LoRA out of this server's own store; equal identities are copied once. */
export async function copyOwnLora(own: OwnFile, fetch: LoraFetch): Promise<LoraLease> {
  return takeOnce(sourceKey('own', own.identity), own.size, () => openOwn(own, fetch), fetch);
}

/** Decodes a LoRA written as a data URI. */
export async function decodeLora(uri: string, fetch: LoraFetch): Promise<LoraLease> {
  return takeOnce(sourceKey('data', uri), undefined, async () => decodeDataUri(uri, fetch), fetch);
}

/** For sources whose content never changes. */
async function takeOnce(
  key: string,
  size: number | undefined,
  open: () => Promise<AsyncIterable<Uint8Array> | Iterable<Uint8Array>>,
  fetch: LoraFetch,
): Promise<LoraLease> {
  const { cache, signal } = fetch;
  await using download = await cache.startDownload(key, { signal, onWait: () => fetch.onFetch?.('waiting') });
  const source = cache.source(key);
  const cached = source === undefined ? undefined : cache.lease(source.hash);
  if (cached !== undefined) return cached;
  const pieces = await open();
  await cache.makeRoom(size ?? 0);
  return await receiveLora(pieces, download, { checkedAt: Date.now() }, fetch);
}
