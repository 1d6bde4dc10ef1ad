import { badRequest } from '../replies.ts';

/** Limits of the platform's documentation. */
const limits = Object.freeze({ count: 10, value: 256, bytes: 1024 });

/**
 * Reads `X-Fal-Tags`: `key=value` pairs separated by commas.
 *
 * @throws SoundstageError `input`, type `bad_request`
 */
export function readTags(text: string | undefined): Readonly<Record<string, string>> {
  if (text === undefined || text.trim() === '') return Object.freeze({});
  if (Buffer.byteLength(text) > limits.bytes) throw refused(`must not be longer than ${limits.bytes} bytes`);
  const pairs = text.split(',').map(readPair);
  if (pairs.length > limits.count) throw refused(`must not hold more than ${limits.count} pairs`);
  return Object.freeze(Object.fromEntries(pairs));
}

function readPair(text: string): readonly [string, string] {
  const [key = '', ...rest] = text.split('=');
  const name = key.trim();
  const value = rest.join('=').trim();
  if (rest.length === 0) throw refused('must be pairs like team=film,shot=12');
  if (!/^[a-z0-9._-]{1,64}$/.test(name)) throw refused('keys must be 1 to 64 of a-z, 0-9, ".", "_" and "-"');
  if (name.startsWith('fal.')) throw refused('keys must not begin with "fal.", which is reserved');
  if (value.length > limits.value) throw refused(`values must not be longer than ${limits.value} characters`);
  return [name, value];
}

function refused(reason: string): Error {
  return badRequest(`x-fal-tags ${reason}`, 'x-fal-tags');
}
