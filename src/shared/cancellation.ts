import { setImmediate } from 'node:timers/promises';
import { SoundstageError } from './errors.ts';

/**
 * Lets pending messages in (one of them may be the cancel) and throws if `signal` is aborted. Native calls block the
 * event loop, so long work awaits this between them.
 *
 * @throws SoundstageError `cancelled`
 */
export async function throwIfCancelled(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  if (signal?.aborted) throw cancelled();
}

/** What work ends with when its signal is aborted. */
export function cancelled(cause?: unknown): SoundstageError {
  return new SoundstageError('cancelled', 'cancelled', { cause });
}
