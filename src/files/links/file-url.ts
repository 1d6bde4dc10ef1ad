import { isKey } from '../blobs/blob-key.ts';
import { urlFileName } from './file-name.ts';

const ownPath = /\/files\/b\/([0-9a-f]{2})\/([0-9a-f]{32})(?:_[^/]*)?$/;

/** File hosts of the hosted service, past ones included: old clients upload to them by name. */
export const publicFileHosts: readonly string[] = Object.freeze(['v3.fal.media', 'v3b.fal.media', 'fal.media']);

/** Path of a file below the address of the file server, e.g. `/files/b/0f/0f…_clip.mp4`. */
export function filePath({ id, name }: { readonly id: string; readonly name: string }): string {
  return `/files/b/${id.slice(0, 2)}/${id}_${urlFileName(name)}`;
}

/** The id in the last segments `<shard>/<id>_<name>` of a file's path; undefined where they name none of ours. */
export function fileIdOf(shard: string, segment: string): string | undefined {
  const id = segment.slice(0, 32);
  const named = segment.length === 32 || segment[32] === '_';
  return named && isKey(id) && id.startsWith(shard) && shard.length === 2 ? id : undefined;
}

/**
 * Id of the file that `url` names, if it is a file of this server: at one of `ownHosts` (with their ports) below any
 * path, or at the hosted service's file hosts, as callers see it who reach us under that name.
 */
export function lookupFileUrl(url: string, ownHosts: readonly string[]): string | undefined {
  const parsed = URL.parse(url);
  if (parsed === null || !['http:', 'https:'].includes(parsed.protocol)) return undefined;
  const [, shard = '', id = ''] = ownPath.exec(parsed.pathname) ?? [];
  if (fileIdOf(shard, id) === undefined) return undefined;
  if (publicFileHosts.includes(parsed.hostname) && parsed.port === '') return id;
  return ownHosts.some((host) => isSameHost(parsed, host)) ? id : undefined;
}

/** `host` may spell out a port that the URL leaves out, because it is its scheme's. */
function isSameHost(url: URL, host: string): boolean {
  return URL.parse(`${url.protocol}//${host}`)?.host === url.host;
}
