import { setTimeout as sleep } from 'node:timers/promises';
import { SoundstageError } from '../../shared/errors.ts';

export interface RetryPolicy {
  /** Tries in a row without any progress before giving up. */
  readonly attempts: number;
  /** Milliseconds before the second try; doubles with each further one, with jitter. */
  readonly baseDelay: number;
  readonly maxDelay: number;
  /** Milliseconds without a byte after which a connection counts as dead. */
  readonly stallTimeout: number;
}

/** Rides out about two minutes of outage. The stall time is that of the hub's Python client with some margin. */
export const defaultRetry: RetryPolicy = Object.freeze({
  attempts: 8,
  baseDelay: 500,
  maxDelay: 30_000,
  stallTimeout: 30_000,
});

/** The longest wait asked for by a `Retry-After` that is granted without asking the user, in milliseconds. */
const maxRetryAfter = 5 * 60_000;

interface TransientErrorOptions {
  readonly cause?: unknown;
  readonly retryAfter?: number | undefined;
  readonly status?: number | undefined;
}

/** A failure that another try may cure. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
  /** Milliseconds the server asked to wait. */
  readonly retryAfter: number | undefined;
  /** HTTP status, where there was an answer. */
  readonly status: number | undefined;

  constructor(message: string, options: TransientErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.retryAfter = options.retryAfter;
    this.status = options.status;
  }
}

/**
 * Runs `attempt` until it succeeds, fails with anything but a TransientError, or has failed `policy.attempts` times
 * since `progress()` last grew.
 */
export async function retrying<T>(
  title: string,
  policy: RetryPolicy,
  signal: AbortSignal | undefined,
  attempt: () => Promise<T>,
  progress: () => number = () => 0,
): Promise<T> {
  let failures = 0;
  let best = progress();
  for (;;) {
    if (signal?.aborted) throw downloadCancelled();
    try {
      return await attempt();
    } catch (error) {
      if (signal?.aborted) throw downloadCancelled(error);
      if (!(error instanceof TransientError)) throw error;
      // Only bytes never had before count: a server that always starts over must not keep this going for ever.
      failures = progress() > best ? 1 : failures + 1;
      best = Math.max(best, progress());
      if (failures >= policy.attempts || (error.retryAfter ?? 0) > maxRetryAfter) throw givenUp(title, error);
      await pause(error.retryAfter ?? backOff(policy, failures), signal);
    }
  }
}

export function downloadCancelled(cause?: unknown): SoundstageError {
  return new SoundstageError(
    'cancelled',
    'cancelled; what is already here is kept, and the same command goes on from it',
    {
      cause,
    },
  );
}

function backOff(policy: RetryPolicy, failures: number): number {
  const maxDelay = Math.min(policy.maxDelay, policy.baseDelay * 2 ** (failures - 1));
  return maxDelay * (0.5 + Math.random() / 2);
}

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throw downloadCancelled(error);
  }
}

function givenUp(title: string, error: TransientError): SoundstageError {
  const { retryAfter = 0 } = error;
  const advice =
    retryAfter > maxRetryAfter
      ? `run the same command again in ${Math.ceil(retryAfter / 60_000)} minutes`
      : 'check the connection and run the same command again to go on from here';
  return new SoundstageError('network', `${title} failed: ${error.message}; ${advice}`, { cause: error });
}
