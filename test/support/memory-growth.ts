const sampleMilliseconds = 5;

/** Bytes by which this process's resident memory rises, at most, while work is under way. */
export async function memoryGrowth(work: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage.rss();
  let most = before;
  const look = (): void => {
    most = Math.max(most, process.memoryUsage.rss());
  };
  const watch = setInterval(look, sampleMilliseconds);
  try {
    await work();
    look();
  } finally {
    clearInterval(watch);
  }
  return most - before;
}
