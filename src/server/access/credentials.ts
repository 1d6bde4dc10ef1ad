/** What an `Authorization` header or a query claims. */
export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'key'; readonly id: string; readonly secret: string }
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'malformed'; readonly message: string };

const malformedKey: Credentials = Object.freeze({
  kind: 'malformed',
  message: "Invalid Key Authorization header format. Expected '<key_id>:<key_secret>'.",
});

/**
 * Reads credentials. One client joins a header of its user to its own with a comma, so only what precedes the first
 * comma counts; the query's token is for callers that cannot set headers.
 */
export function readCredentials(authorization: string | null | undefined, queryToken?: string): Credentials {
  const [first = ''] = (authorization ?? '').split(',', 1);
  const [scheme = '', ...rest] = first.trim().split(/\s+/);
  const value = rest.join(' ');
  if (scheme === '') {
    return queryToken === undefined || queryToken === '' ? { kind: 'none' } : { kind: 'bearer', token: queryToken };
  }
  if (scheme.toLowerCase() === 'bearer') {
    return value === ''
      ? { kind: 'malformed', message: 'Invalid Bearer Authorization header format.' }
      : { kind: 'bearer', token: value };
  }
  if (scheme.toLowerCase() !== 'key') {
    return { kind: 'malformed', message: "Invalid Authorization header format. Expected 'Key <key_id>:<key_secret>'." };
  }
  const colon = value.indexOf(':');
  if (colon <= 0 || colon === value.length - 1) return malformedKey;
  return { kind: 'key', id: value.slice(0, colon), secret: value.slice(colon + 1) };
}
