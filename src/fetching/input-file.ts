import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { SoundstageError } from '../shared/errors.ts';
import { trimInvisible } from '../shared/trim.ts';
import { decodeDataUri } from './data-uri/data-uri.ts';
import { isDataUri } from './data-uri/data-uri-decoder.ts';
import { downloadError, downloadTooLarge, type Purpose } from './download-error.ts';
import type { GuardedClient } from './http/guarded-client.ts';
import { guardedFetch } from './http/guarded-fetch.ts';
import type { Pace } from './http/paced.ts';
import { writeNewFile } from './new-file.ts';
import type { FindOwnFile, OwnFile } from './own-file.ts';
import { refuseMistaken } from './refuse-mistaken.ts';

export interface FetchInputOptions extends Purpose {
  readonly client: GuardedClient;
  /** Where the file goes; must exist. */
  readonly folder: string;
  /** Milliseconds. */
  readonly timeout: number;
  /** See `guardedFetch`. */
  readonly pace?: Pace | undefined;
  readonly findOwnFile?: FindOwnFile | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Brings the recording or picture that a caller named (http(s) URL, data URI, or URL of an own file) into a new file
 * and gives its path. The name says nothing: content decides what it is.
 *
 * @throws SoundstageError `input` of type `file_download_error` or `file_too_large`, or without a type for a web page or the like;
 * `device` (disk full), `cancelled`
 */
export async function fetchInput(given: string, options: FetchInputOptions): Promise<string> {
  const reference = trimInvisible(given);
  const path = join(options.folder, `input-${randomUUID()}`);
  const { signal } = options;
  if (isDataUri(reference)) {
    await writeNewFile(path, expected(decodeDataUri(reference, options), options), signal);
    return path;
  }
  if (!/^https?:/i.test(reference)) throw unknownForm(reference, options);
  const own = await options.findOwnFile?.(reference);
  if (own !== undefined) {
    await writeNewFile(path, expected(await openOwn(own, options), options), signal);
    return path;
  }
  await using response = await guardedFetch(options.client, reference, options);
  await writeNewFile(path, expected(response.body, options, response.host), signal);
  return path;
}

/** @throws SoundstageError `input` of type `file_too_large` */
export async function openOwn(
  own: OwnFile,
  options: Purpose & { readonly signal?: AbortSignal | undefined },
): Promise<AsyncIterable<Uint8Array>> {
  if (own.size > options.maxBytes) throw downloadTooLarge(options);
  return own.open(options.signal);
}

function unknownForm(reference: string, purpose: Purpose): Error {
  if (/^[\w+/-]{64}/.test(reference)) {
    return downloadError(
      purpose,
      'it is no URL: where it is the content in base64, write data:;base64, in front of it',
    );
  }
  const scheme = /^[a-z][a-z0-9+.-]{0,20}:/i.exec(reference)?.[0];
  const given = scheme === undefined ? 'it is no URL' : `addresses that begin with ${scheme} are not fetched`;
  return downloadError(purpose, `${given}: give an http(s) URL or a data URI`);
}

/** Refuses what is empty, and what is plainly no recording or picture. */
function expected(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  purpose: Purpose,
  host?: string,
): AsyncGenerator<Uint8Array> {
  const refuse = (what: string): Error => {
    const { field } = purpose;
    const message = `${field} cannot be used: it is ${what}: give the address of the file itself`;
    return new SoundstageError('input', message, { field });
  };
  return refuseMistaken(notEmpty(pieces, purpose), host, refuse);
}

async function* notEmpty(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  purpose: Purpose,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.length;
    yield piece;
  }
  if (bytes === 0) throw downloadError(purpose, 'it is empty');
}
