import { join } from 'node:path';
import { type HubOptions, hubSettings } from '../models/hub/settings.ts';
import type { Configuration } from '../shared/configuration.ts';
import { openGuardedClient } from './http/guarded-client.ts';
import { type PostOptions, postGuarded } from './http/guarded-post.ts';
import { type FetchInputOptions, fetchInput } from './input-file.ts';
import { LoraCache } from './loras/lora-cache.ts';
import { type LoraReference, type ResolvedLora, type ResolveLoraOptions, resolveLora } from './loras/lora-file.ts';

/** Milliseconds; long enough for a connection that falters. */
const paceWindow = 20_000;

/** Everything that is fetched from, or sent to, places that callers name, under the operator's settings. */
export interface Fetcher extends AsyncDisposable {
  /** Milliseconds for all files of a request together, and for each of them. */
  readonly timeout: number;
  /** See `fetchInput`. */
  input(
    reference: string,
    options: Pick<FetchInputOptions, 'folder' | 'field' | 'findOwnFile' | 'signal'>,
  ): Promise<string>;
  /** See `resolveLora`. */
  lora(
    reference: LoraReference,
    index: number,
    options: Pick<ResolveLoraOptions, 'findOwnFile' | 'signal' | 'onFetch' | 'included'>,
  ): Promise<ResolvedLora>;
  /** See `postGuarded`. */
  post(url: string, options: PostOptions): Promise<{ readonly status: number }>;
}

/**
 * LoRAs are kept in `<SOUNDSTAGE_DATA>/loras`.
 *
 * @throws SoundstageError `input` for an unusable setting, `device` where the cache cannot be used
 */
export async function openFetcher(configuration: Configuration, hubOptions: HubOptions = {}): Promise<Fetcher> {
  const client = openGuardedClient({ allowPrivateHosts: configuration.SOUNDSTAGE_ALLOW_PRIVATE_HOSTS });
  const hub = hubSettings(hubOptions);
  const cacheBytes = configuration.SOUNDSTAGE_LORA_CACHE_BYTES;
  const cache = await LoraCache.open({ folder: join(configuration.SOUNDSTAGE_DATA, 'loras'), maxBytes: cacheBytes });
  const timeout = configuration.SOUNDSTAGE_FETCH_TIMEOUT * 1000;
  const pace = { minBytesPerSecond: configuration.SOUNDSTAGE_MIN_FETCH_RATE, window: paceWindow };
  const loraOptions = {
    ...{ client, cache, hub, timeout, pace },
    maxBytes: Math.min(configuration.SOUNDSTAGE_MAX_LORA_BYTES, cacheBytes),
    localFolder: configuration.SOUNDSTAGE_LORA_FOLDER,
  };
  const inputOptions = { client, timeout, pace, maxBytes: configuration.SOUNDSTAGE_MAX_INPUT_BYTES };
  return Object.freeze({
    timeout,
    input: (reference, options) => fetchInput(reference, { ...options, ...inputOptions }),
    lora: (reference, index, options) => resolveLora(reference, index, { ...options, ...loraOptions }),
    post: (url, options) => postGuarded(client, url, options),
    [Symbol.asyncDispose]: async () => {
      cache[Symbol.dispose]();
      await client[Symbol.asyncDispose]();
    },
  } satisfies Fetcher);
}
