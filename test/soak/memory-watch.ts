import { readFile } from 'node:fs/promises';
import type { RunningProcess } from './server-under-test.ts';

interface Sample {
  readonly clips: number;
  readonly megabytes: number;
}

export interface Growth {
  readonly kind: string;
  readonly clips: number;
  readonly before: number;
  readonly after: number;
  /** MiB. */
  readonly perThousandClips: number;
}

/** MiB by which memory differs between two looks at a process that does not grow. */
const noise = 32;
const fewestSamples = 30;
/** Of fewer nothing can be concluded. */
const fewestClips = 100;

/** How the memory of processes changes with the clips that they make. */
export class MemoryWatch {
  readonly #samples = new Map<string, Sample[]>();
  /** Most of each kind, in MiB. */
  readonly peaks = new Map<string, number>();

  async sample(processes: readonly RunningProcess[], clips: number): Promise<void> {
    for (const { kind, pid } of processes) {
      const megabytes = await residentMemory(pid);
      if (megabytes === undefined) continue;
      this.peaks.set(kind, Math.max(megabytes, this.peaks.get(kind) ?? 0));
      // An encoder lives for one clip.
      if (kind === 'encode') continue;
      const name = `${kind} ${pid}`;
      this.#samples.set(name, [...(this.#samples.get(name) ?? []), { clips, megabytes }]);
    }
  }

  /** Of every process that lived long enough: from the second to the last quarter of its clips, the first being to warm up. */
  growths(): readonly Growth[] {
    return [...this.#samples].flatMap(([name, samples]) => {
      const quarter = Math.floor(samples.length / 4);
      if (samples.length < fewestSamples) return [];
      const [early, late] = [samples.slice(quarter, 2 * quarter), samples.slice(-quarter)];
      const clips = median(late.map((each) => each.clips)) - median(early.map((each) => each.clips));
      const [before, after] = [median(early.map((each) => each.megabytes)), median(late.map((each) => each.megabytes))];
      if (clips <= 0) return [];
      return [{ kind: name, clips, before, after, perThousandClips: (1000 * (after - before)) / clips }];
    });
  }
}

/** Whether a process grows by more than so many MiB per 1,000 clips, and by more than chance and getting warm explain. */
export function growsBeyond(bar: number, { clips, before, after, perThousandClips }: Growth): boolean {
  return clips >= fewestClips && perThousandClips > bar && after - before > noise;
}

async function residentMemory(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kilobytes = /VmRSS:\s*(\d+) kB/.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
