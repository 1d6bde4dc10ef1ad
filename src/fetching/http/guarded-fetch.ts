import { STATUS_CODES } from 'node:http';
import { pipeline, type Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { type Dispatcher, request } from 'undici';
import { cancelled } from '../../shared/cancellation.ts';
import type { SoundstageError } from '../../shared/errors.ts';
import { downloadError, downloadTooLarge, explain, type Purpose } from '../download-error.ts';
import { type TimeLimit, timeLimit } from '../time-limit.ts';
import type { GuardedClient } from './guarded-client.ts';
import { httpTarget, type Target } from './http-target.ts';
import { type Pace, paced } from './paced.ts';

const maxRedirects = 10;

/** What a server said about the version of a file it sent. */
export interface Validators {
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

export interface GuardedFetchOptions extends Purpose {
  /** Milliseconds for everything, the body included. */
  readonly timeout: number;
  /** Absent: what arrives may take all that time. */
  readonly pace?: Pace | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Of the version at hand; where the server has no other, it need not send it again. */
  readonly known?: Validators | undefined;
}

/** An answer to be read once. Dispose to close the connection. */
export interface GuardedResponse extends AsyncDisposable {
  /** False where the version at hand is still the current one; there is no body then. */
  readonly changed: boolean;
  readonly validators: Validators;
  /** Who answered, after redirects. */
  readonly host: string;
  /** Bytes, where the server told. */
  readonly size: number | undefined;
  /** Decompressed; ends with an error when it is longer than allowed, incomplete or damaged. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Opens the file at an http(s) URL that a caller named. Redirects are followed, each one checked like the first address.
 *
 * @throws SoundstageError `input` of type `file_download_error` or `file_too_large`; `cancelled`
 */
export async function guardedFetch(
  client: GuardedClient,
  reference: string,
  options: GuardedFetchOptions,
): Promise<GuardedResponse> {
  const target = httpTarget(reference);
  if (target === undefined) throw downloadError(options, 'its address is not a valid http(s) URL');
  const limit = timeLimit(options.timeout, options.signal);
  const { answer, host } = await follow(client, target, options, limit);
  const dispose = (): Promise<void> => abandon(answer.body);
  try {
    const changed = answer.statusCode !== 304;
    const size = changed ? declaredSize(answer, options) : undefined;
    const body = changed ? readBody(decoded(answer, options, host), options, host, limit) : nothing();
    const { etag, 'last-modified': lastModified } = answer.headers;
    const validators = { etag: single(etag), lastModified: single(lastModified) };
    return Object.freeze({ changed, validators, host, size, body, [Symbol.asyncDispose]: dispose });
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** The last answer, after redirects. */
interface FinalAnswer {
  readonly answer: Dispatcher.ResponseData;
  readonly host: string;
}

async function follow(
  client: GuardedClient,
  first: Target,
  options: GuardedFetchOptions,
  limit: TimeLimit,
): Promise<FinalAnswer> {
  let target = first;
  const seen = new Set<string>();
  while (seen.size <= maxRedirects) {
    seen.add(target.url.href);
    const answer = await ask(client, target, options, limit);
    const { host } = target.url;
    if (answer.statusCode === 200 || (answer.statusCode === 304 && options.known !== undefined)) {
      return { answer, host };
    }
    await abandon(answer.body);
    if (![301, 302, 303, 307, 308].includes(answer.statusCode)) throw refuseStatus(options, host, answer.statusCode);
    target = redirected(target, single(answer.headers.location), options);
    if (seen.has(target.url.href)) throw downloadError(options, `${host} redirects in circles`);
  }
  throw downloadError(options, `${first.url.host} redirects more than ${maxRedirects} times`);
}

async function ask(
  client: GuardedClient,
  { url, authorization }: Target,
  options: GuardedFetchOptions,
  limit: TimeLimit,
): Promise<Dispatcher.ResponseData> {
  const { etag, lastModified } = options.known ?? {};
  const headers = {
    'user-agent': 'soundstage',
    accept: '*/*',
    'accept-encoding': 'identity',
    ...(authorization === undefined ? {} : { authorization }),
    ...(etag === undefined ? {} : { 'if-none-match': etag }),
    ...(lastModified === undefined ? {} : { 'if-modified-since': lastModified }),
  };
  try {
    return await request(url, { dispatcher: client.agent, method: 'GET', headers, signal: limit.signal });
  } catch (error) {
    throw interruption(limit, options, error) ?? explain(error, options, url.host);
  }
}

/** Credentials stay with the host they were given for. */
function redirected(from: Target, location: string | undefined, purpose: Purpose): Target {
  const to = location === undefined ? undefined : httpTarget(location, from.url);
  if (to === undefined) throw downloadError(purpose, `${from.url.host} redirects to something that is no http(s) URL`);
  const sameOrigin = to.url.origin === from.url.origin;
  return { url: to.url, authorization: to.authorization ?? (sameOrigin ? from.authorization : undefined) };
}

/** The length told is believed only where it is too large: what arrives is counted. */
function declaredSize({ headers }: Dispatcher.ResponseData, options: Purpose): number | undefined {
  const text = single(headers['content-length']);
  if (text === undefined) return undefined;
  const size = Number(text);
  if (size > options.maxBytes) throw downloadTooLarge(options);
  return isIdentity(single(headers['content-encoding'])) ? size : undefined;
}

const decoders: Readonly<Record<string, () => NodeJS.ReadWriteStream & Readable>> = Object.freeze({
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
});

function decoded(
  { headers, body: raw }: Dispatcher.ResponseData,
  purpose: Pick<GuardedFetchOptions, 'field' | 'maxBytes' | 'pace'>,
  host: string,
): AsyncIterable<Uint8Array> {
  const { pace } = purpose;
  const body = pace === undefined ? raw : paced(raw, pace, () => tooSlow(purpose, pace, host));
  const coding = single(headers['content-encoding'])?.trim().toLowerCase();
  if (isIdentity(coding)) return counted(body, purpose);
  const decoder = decoders[coding ?? '']?.();
  if (decoder === undefined) {
    throw downloadError(
      purpose,
      `its server compresses it as ${JSON.stringify(coding?.slice(0, 40))}: serve it as it is`,
    );
  }
  return decompressed(body, decoder, purpose);
}

function tooSlow(purpose: Purpose, { minBytesPerSecond, window }: Pace, host: string): Error {
  const reason = `${host} sends it too slowly: less than ${minBytesPerSecond} bytes a second for ${window / 1000} s`;
  return downloadError(purpose, reason);
}

/** Counted on both sides: compressed bytes may also come to nothing, for ever. */
async function* decompressed(
  body: AsyncIterable<Uint8Array>,
  decoder: NodeJS.ReadWriteStream & Readable,
  purpose: Purpose,
): AsyncGenerator<Uint8Array> {
  // What fails shows where `decoder` is read.
  pipeline(counted(body, purpose), decoder, () => {});
  yield* counted(decoder, purpose);
}

function isIdentity(coding: string | undefined): boolean {
  return coding === undefined || coding === '' || coding === 'identity';
}

async function* counted(pieces: AsyncIterable<Uint8Array>, purpose: Purpose): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.length;
    if (bytes > purpose.maxBytes) throw downloadTooLarge(purpose);
    yield piece;
  }
}

async function* readBody(
  pieces: AsyncIterable<Uint8Array>,
  purpose: Purpose,
  host: string,
  limit: TimeLimit,
): AsyncGenerator<Uint8Array> {
  try {
    yield* pieces;
  } catch (error) {
    throw interruption(limit, purpose, error) ?? explain(error, purpose, host);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function interruption(limit: TimeLimit, purpose: Purpose, error: unknown): Error | undefined {
  const ended = limit.ended();
  if (ended === undefined) return undefined;
  if (ended === 'cancelled') return cancelled(error);
  return downloadError(purpose, `it took longer than ${limit.timeout / 1000} s`, error);
}

/** Closes the connection of a body that is not wanted (any more). */
async function abandon(body: Readable): Promise<void> {
  if (body.closed) return;
  // Giving up shows as an error of the body, which is no news here.
  body.on('error', () => {}).destroy();
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** What an answer other than success means to somebody who gave the address. */
function refuseStatus(purpose: Purpose, host: string, status: number): SoundstageError {
  const answer = `${host} answered ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  return downloadError(purpose, `${answer}; ${advice(status)}`);
}

function advice(status: number): string {
  if (status === 401 || status === 403) return 'give an address that needs no login, e.g. a signed one';
  if (status === 404 || status === 410) return 'check the address';
  if (status === 429 || status >= 500) return 'try again later';
  return 'give an address that leads to the file itself';
}
