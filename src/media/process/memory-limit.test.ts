import { expect, test } from 'vitest';
import { residentBytes } from './memory-limit.ts';

test.runIf(process.platform === 'linux')('the memory of a process is seen from outside, in bytes', async () => {
  const seen = await residentBytes(process.pid);
  expect(seen / process.memoryUsage.rss()).toBeGreaterThan(0.8);
  expect(seen / process.memoryUsage.rss()).toBeLessThan(1.25);
  expect(await residentBytes(2 ** 22 + 1)).toBe(0);
});
