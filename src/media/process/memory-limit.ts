import { readFile } from 'node:fs/promises';

const pollMilliseconds = 50;
const limitVariable = 'SOUNDSTAGE_MEMORY_LIMIT';
// Linux reports memory in pages; Node does not tell the page size, and 4 KiB is the smallest in use.
const pageBytes = 4096;

/** With this exit code a process says that it ended because of `endAtMemoryLimit`. */
export const memoryExitCode = 77;

/** Environment that sets the limit of a child which calls `endAtMemoryLimit`. */
export function memoryLimitEnvironment(limit: number): NodeJS.ProcessEnv {
  return { [limitVariable]: String(limit) };
}

/**
 * Ends this process once its resident memory is over the limit in its environment. Works on every platform, but only
 * while the event loop turns: where `/proc` exists, the parent also watches from outside.
 */
export function endAtMemoryLimit(): void {
  const limit = Number(process.env[limitVariable] ?? Number.POSITIVE_INFINITY);
  const watch = setInterval(() => {
    if (process.memoryUsage.rss() > limit) process.exit(memoryExitCode);
  }, pollMilliseconds);
  watch.unref();
}

/** Calls `onExceeded` whenever process `pid` is found over `limit` bytes of resident memory. Dispose to stop watching. */
export function watchMemory(pid: () => number | undefined, limit: number, onExceeded: () => void): Disposable {
  const watch = setInterval(async () => {
    const watched = pid();
    if (watched === undefined || (await residentBytes(watched)) <= limit || pid() !== watched) return;
    onExceeded();
  }, pollMilliseconds);
  return { [Symbol.dispose]: () => clearInterval(watch) };
}

/** Resident memory of a process; 0 where the platform does not tell, or when the process has just ended. */
export async function residentBytes(pid: number): Promise<number> {
  if (process.platform !== 'linux') return 0;
  const statm = await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => '0 0');
  return Number(statm.split(' ')[1]) * pageBytes;
}
