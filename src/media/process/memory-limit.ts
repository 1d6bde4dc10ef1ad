import { readFile } from 'node:fs/promises';

const pollMilliseconds = 50;
const limitVariable = 'SOUNDSTAGE_MEMORY_LIMIT';

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
  // Not in pages as in `statm`, whose size Node does not tell.
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return 1024 * Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0);
}
