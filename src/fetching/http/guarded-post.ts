import { request } from 'undici';
import { cancelled } from '../../shared/cancellation.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { refusal } from '../download-error.ts';
import { AddressRefusal, failureReason } from '../failure-reason.ts';
import { timeLimit } from '../time-limit.ts';
import type { GuardedClient } from './guarded-client.ts';
import { httpTarget } from './http-target.ts';

export interface PostOptions {
  readonly body: string | Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds until the answer's headers must be there. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Posts to a URL that a caller named and gives the status of the answer, redirects included: they are not followed.
 * The answer's body is not read.
 *
 * @throws SoundstageError `input` where another try cannot succeed (no http(s) URL; type `address_refused` for a
 * private address), `network` where it may (no answer in time, no connection), `cancelled`
 */
export async function postGuarded(
  client: GuardedClient,
  reference: string,
  { body, headers, timeout, signal }: PostOptions,
): Promise<{ readonly status: number }> {
  const target = httpTarget(reference);
  if (target === undefined) {
    throw new SoundstageError('input', 'the address to post to is not a valid http(s) URL', { type: 'value_error' });
  }
  const { url, authorization } = target;
  const limit = timeLimit(timeout, signal);
  const sent = { 'user-agent': 'soundstage', ...(authorization === undefined ? {} : { authorization }), ...headers };
  try {
    const answer = await request(url, {
      dispatcher: client.agent,
      method: 'POST',
      headers: sent,
      body,
      headersTimeout: timeout,
      signal: limit.signal,
    });
    answer.body.on('error', () => {}).destroy();
    return { status: answer.statusCode };
  } catch (error) {
    if (limit.ended() === 'cancelled') throw cancelled(error);
    if (limit.ended() === 'timeout') throw network(`${url.host} did not answer within ${timeout / 1000} s`, error);
    if (error instanceof AddressRefusal) {
      throw new SoundstageError('input', refusal(url.host), { type: 'address_refused', cause: error });
    }
    const reason = failureReason(error);
    throw reason === undefined ? error : network(`posting to ${url.host} failed: ${reason}`, error);
  }
}

function network(message: string, cause: unknown): SoundstageError {
  return new SoundstageError('network', message, { cause });
}
