import { createHash } from 'node:crypto';

const keyPattern = /^[0-9a-f]{32}$/;

/** Returns `key`. Nothing else may become part of a path, so that no name can lead anywhere. */
export function checkKey(key: string): string {
  if (!isKey(key)) throw new Error(`not the key of a blob: ${key}`);
  return key;
}

export function isKey(text: string): boolean {
  return keyPattern.test(text);
}

/** Etag of a file made of parts, formed as S3 forms it. */
export function joinedEtag(parts: readonly { readonly etag: string }[]): string {
  const hash = createHash('md5');
  for (const { etag } of parts) hash.update(etag, 'hex');
  return `${hash.digest('hex')}-${parts.length}`;
}
