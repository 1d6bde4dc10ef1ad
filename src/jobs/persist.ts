import { setTimeout as sleep } from 'node:timers/promises';
import { DatabaseUnavailable } from '../database/database-unavailable.ts';
import type { Report } from './report.ts';

const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 5000;
const PATIENCE = 5 * 60_000;

export interface PersistOptions {
  readonly report: Report;
  /** For the report. */
  readonly what: string;
  /** Milliseconds; default five minutes. */
  readonly patience?: number | undefined;
  /** Aborted: the next error is the last. */
  readonly hurry?: AbortSignal | undefined;
}

/**
 * Does what has to reach the database or a store, and again after a while when that fails: it may be restarting. Gives
 * up with the last error; but not while the database is away, which nobody else can do anything without either.
 */
export async function persist<Result>(
  work: () => Promise<Result>,
  { report, what, patience = PATIENCE, hurry }: PersistOptions,
): Promise<Result> {
  const started = performance.now();
  for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      return await work();
    } catch (error) {
      const isLate = performance.now() - started > patience && !(error instanceof DatabaseUnavailable);
      if (isLate || hurry?.aborted) throw error;
      report.warn(`${what} failed and is tried again`, { error });
      await sleep(pause);
    }
  }
}
