import type { StoredFile } from '../../files/stored-file.ts';

type Headers = (name: string) => string | undefined;

/** Value of `ETag`. */
export function entityTag(file: Pick<StoredFile, 'etag'>): string {
  return `"${file.etag}"`;
}

/** Whether the caller has the file already (RFC 9110, 13.1.2 and 13.1.3): `If-None-Match` wins over the date. */
export function isNotModified(file: StoredFile, header: Headers): boolean {
  const tags = header('if-none-match');
  if (tags !== undefined) return tags.trim() === '*' || tagsOf(tags).includes(entityTag(file));
  const since = Date.parse(header('if-modified-since') ?? '');
  return lastModified(file) <= since;
}

/** Whether a range of the file continues what the caller has (`If-Range`, compared strongly). */
export function rangeApplies(file: StoredFile, header: Headers): boolean {
  const validator = header('if-range')?.trim();
  if (validator === undefined) return true;
  if (validator.startsWith('"')) return validator === entityTag(file);
  return Date.parse(validator) === lastModified(file);
}

/** Milliseconds, in whole seconds as headers have it. */
export function lastModified(file: Pick<StoredFile, 'storedAt'>): number {
  return Math.floor(file.storedAt.getTime() / 1000) * 1000;
}

function tagsOf(list: string): string[] {
  return list.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
}
