import { readFileSync } from 'node:fs';

const interval = 20;

/** Samples a process's anonymous memory (mapped weights excluded) and keeps the peak under the current label. Linux only. */
export class MemoryWatch implements Disposable {
  readonly peaks = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #label = 'start';

  constructor(pid: () => number | undefined) {
    this.#timer = setInterval(() => this.#sample(pid()), interval);
  }

  /** What follows counts under `label`. */
  enter(label: string): void {
    this.#label = label;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #sample(pid: number | undefined): void {
    if (pid === undefined || process.platform !== 'linux') return;
    const bytes = anonymousBytes(pid);
    this.peaks.set(this.#label, Math.max(this.peaks.get(this.#label) ?? 0, bytes));
  }
}

/** Processor time of a process so far, in seconds. Linux only. */
export function processorSeconds(pid: number): number {
  // Behind the name, which may hold anything: user and system time are the 14th and 15th field, in hundredths.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Anonymous resident memory of a process in bytes. Linux only. */
export function anonymousBytes(pid: number): number {
  const match = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? 0) * 1024;
}
