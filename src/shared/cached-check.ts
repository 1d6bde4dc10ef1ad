/**
 * A check that, once passed, is not made again for so many milliseconds, for what costs something to find out. Those who
 * ask at the same time get their answers in the order in which they asked.
 */
export function cachedCheck(freshness: number, check: () => Promise<void>): () => Promise<void> {
  let checked = Number.NEGATIVE_INFINITY;
  let answer: Promise<void> = Promise.resolve();
  return () => {
    if (performance.now() - checked > freshness) {
      checked = performance.now();
      answer = check().catch((error: unknown) => {
        checked = Number.NEGATIVE_INFINITY;
        throw error;
      });
    }
    return answer;
  };
}
