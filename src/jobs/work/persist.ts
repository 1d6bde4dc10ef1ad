import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseUnavailable } from '../../database/database-unavailable.ts';
import type { Logger } from '../../shared/logger.ts';

const firstPause = 100;
const maxPause = 5000;
const defaultTimeout = 5 * 60_000;

export interface PersistOptions {
  readonly logger: Logger;
  /** For the report. */
  readonly what: string;
  /** Milliseconds; default five minutes. */
  readonly timeout?: number | undefined;
  /** Aborted: the next error is the last. */
  readonly stopping?: AbortSignal | undefined;
}

/**
 * Does what has to reach the database or a store, and again after a while when that fails: it may be restarting. Gives
 * up with the last error; but not while the database is away, which nobody else can do anything without either.
 */
export async function persist<Result>(
  work: () => Promise<Result>,
  { logger, what, timeout = defaultTimeout, stopping }: PersistOptions,
): Promise<Result> {
  const started = performance.now();
  for (let pause = firstPause; ; pause = Math.min(2 * pause, maxPause)) {
    try {
      return await work();
    } catch (error) {
      const isLate = performance.now() - started > timeout && !(error instanceof DatabaseUnavailable);
      if (isLate || stopping?.aborted) throw error;
      logger.warn(`${what} failed and is tried again`, { error });
      await sleep(pause);
    }
  }
}
