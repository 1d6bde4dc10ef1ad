/** One signal for two reasons to stop: the caller's own, and a time limit. */
export interface TimeLimit {
  readonly signal: AbortSignal;
  /** Milliseconds. */
  readonly timeout: number;
  /** Why the signal was aborted; undefined while it was not. */
  readonly ended: () => 'cancelled' | 'timeout' | undefined;
}

export function timeLimit(timeout: number, outer?: AbortSignal): TimeLimit {
  const timer = AbortSignal.timeout(timeout);
  const signal = outer === undefined ? timer : AbortSignal.any([timer, outer]);
  const ended = (): 'cancelled' | 'timeout' | undefined => {
    if (outer?.aborted) return 'cancelled';
    return timer.aborted ? 'timeout' : undefined;
  };
  return Object.freeze({ signal, timeout, ended });
}
