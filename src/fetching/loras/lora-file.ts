import { isAbsolute } from 'node:path';
import type { HubSettings } from '../../models/hub/settings.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { trimInvisible } from '../../shared/trim.ts';
import { isDataUri } from '../data-uri/data-uri-decoder.ts';
import type { FindOwnFile } from '../own-file.ts';
import { fetchHubLora, type HubLoraFetch } from './hub-lora.ts';
import { parseHubReference, parseHubUrl } from './hub-reference.ts';
import { findLocalLora } from './local-lora.ts';
import type { LoraLease } from './lora-cache.ts';
import type { LoraFetch } from './lora-source.ts';
import { copyOwnLora, decodeLora, fetchUrlLora } from './url-lora.ts';

/** A LoRA as a request names it. */
export interface LoraReference {
  /** Not empty: entries with an empty path are skipped by the caller. */
  readonly path: string;
  readonly scale: number;
  /** The file, where `path` names a repository or folder with several. */
  readonly weight_name?: string | null | undefined;
}

/** A LoRA ready to be applied; its file stays until disposed. */
export interface ResolvedLora extends Disposable {
  readonly path: string;
  readonly scale: number;
}

export interface ResolveLoraOptions extends Omit<LoraFetch, 'field'> {
  readonly hub: HubSettings;
  readonly retry?: HubLoraFetch['retry'];
  /** The only folder on this machine whose files may be named. */
  readonly localFolder?: string | undefined;
  readonly findOwnFile?: FindOwnFile | undefined;
  /** LoRAs that come with the weights: paths by the names requests may use. */
  readonly included?: Readonly<Record<string, string>> | undefined;
}

/**
 * Finds or fetches the LoRA at place `index` of a request: an http(s) URL, a data URI, a URL of an own file,
 * `owner/repo[@revision]` on the model hub, or a path in the operator's LoRA folder. The content is safetensors,
 * complete and well-formed; whether it fits the model is for the model to say.
 *
 * @throws SoundstageError `input` with field `loras.INDEX.path` or `loras.INDEX.weight_name`, `device`, `cancelled`
 */
export async function resolveLora(
  { path, scale, weight_name }: LoraReference,
  index: number,
  options: ResolveLoraOptions,
): Promise<ResolvedLora> {
  const fetch = { ...options, field: `loras.${index}.path` };
  const lease = await leaseOf(trimInvisible(path), weight_name || undefined, fetch);
  return Object.freeze({ path: lease.path, scale, [Symbol.dispose]: () => lease[Symbol.dispose]() });
}

type FieldedOptions = ResolveLoraOptions & HubLoraFetch;

async function leaseOf(path: string, weightName: string | undefined, fetch: FieldedOptions): Promise<LoraLease> {
  if (isDataUri(path)) return decodeLora(path, fetch);
  if (/^https?:/i.test(path)) return leaseOfUrl(path, fetch);
  const { field, localFolder, included } = fetch;
  const known = included !== undefined && Object.hasOwn(included, path) ? included[path] : undefined;
  if (known !== undefined) return kept(known);
  if (isLocal(path)) {
    const real = await findLocalLora(path, { field, folder: localFolder, weightName });
    return kept(real);
  }
  const repository = parseHubReference(path);
  if (repository !== undefined) return fetchHubLora(repository, weightName, fetch);
  throw new SoundstageError(
    'input',
    `${field} is none of the things a LoRA can be named by: give the http(s) URL of a .safetensors file, or owner/repo on the model hub`,
    { field },
  );
}

/** Of a file that stays where it is. */
function kept(path: string): LoraLease {
  return Object.freeze({ path, [Symbol.dispose]: () => {} });
}

async function leaseOfUrl(url: string, fetch: FieldedOptions): Promise<LoraLease> {
  const own = await fetch.findOwnFile?.(url);
  if (own !== undefined) return copyOwnLora(own, fetch);
  const onHub = parseHubUrl(url, fetch.hub.endpoint);
  return onHub === undefined ? fetchUrlLora(url, fetch) : fetchHubLora(onHub, undefined, fetch);
}

/** Whatever looks like a path rather than `owner/repo`: absolute, with dots, or with the name of a file. */
function isLocal(path: string): boolean {
  if (/^[a-z][a-z0-9+.-]+:/i.test(path)) return false;
  return isAbsolute(path) || /^(?:~|\.{1,2}(?:[\\/]|$)|[a-z]:[\\/])/i.test(path) || path.endsWith('.safetensors');
}
