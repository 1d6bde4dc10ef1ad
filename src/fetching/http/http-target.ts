import { percentDecoded } from '../data-uri/percent-decoding.ts';

/** A URL to request, and what was written before its `@`. */
export interface Target {
  /** Without credentials and fragment. */
  readonly url: URL;
  /** Value of the `Authorization` header that its credentials make. */
  readonly authorization: string | undefined;
}

/** @returns undefined unless `reference`, taken relative to `base`, is an http(s) URL */
export function httpTarget(reference: string, base?: URL): Target | undefined {
  const url = URL.parse(reference, base?.href);
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '') return undefined;
  const authorization = basicAuthorization(url);
  url.username = '';
  url.password = '';
  url.hash = '';
  return { url, authorization };
}

function basicAuthorization({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined;
  const credentials = Buffer.concat([percentDecoded(username), Buffer.from(':'), percentDecoded(password)]);
  return `Basic ${credentials.toString('base64')}`;
}
