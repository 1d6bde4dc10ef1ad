import { formatBytes, formatSeconds } from '../../shared/quantities.ts';
import type { FileProgress, TransferProgress } from './transfer.ts';

export interface ReportOutput {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

const speedWindow = 10_000;
const redrawEvery = 100;
const plainLineEvery = 10_000;

/** Shows a transfer: bars that redraw themselves on a terminal, a line now and then elsewhere. `finish` ends it. */
export class ProgressReport {
  readonly #output: ReportOutput;
  readonly #now: () => number;
  readonly #samples: { readonly time: number; readonly bytes: number }[] = [];
  readonly #announced = new Set<FileProgress>();
  #latest: TransferProgress | undefined;
  #shownAt = Number.NEGATIVE_INFINITY;
  #drawnLines = 0;

  /** @param now milliseconds; default the clock */
  constructor(output: ReportOutput, now: () => number = () => performance.now()) {
    this.#output = output;
    this.#now = now;
  }

  update(progress: TransferProgress): void {
    this.#latest = progress;
    const time = this.#now();
    if (!this.#output.isTTY) this.#announceFinished(progress);
    if (time - this.#shownAt < (this.#output.isTTY ? redrawEvery : plainLineEvery)) return;
    const isFirst = this.#shownAt === Number.NEGATIVE_INFINITY;
    this.#shownAt = time;
    const summary = this.#summary(progress, time);
    if (this.#output.isTTY) this.#draw([...progress.files.filter(isActive).map((file) => this.#bar(file)), summary]);
    else if (!isFirst) this.#output.write(`${summary}\n`);
  }

  /** Takes the bars away; a cancelled or failed transfer leaves no half-drawn line. */
  finish(): void {
    if (this.#output.isTTY) this.#draw([]);
    else if (this.#latest !== undefined) this.#announceFinished(this.#latest);
  }

  #announceFinished({ files }: TransferProgress): void {
    for (const file of files) {
      if (file.state !== 'done' || this.#announced.has(file)) continue;
      this.#announced.add(file);
      this.#output.write(`${file.name}: ${formatBytes(file.total)} done\n`);
    }
  }

  #summary({ bytes, total }: TransferProgress, time: number): string {
    const speed = this.#speed(bytes, time);
    const rate = speed > 0 ? `, ${formatBytes(speed)}/s, ${formatSeconds((total - bytes) / speed)} left` : '';
    return `${formatBytes(bytes)} of ${formatBytes(total)} (${percent(bytes, total)})${rate}`;
  }

  /** Bytes per second over the last seconds. */
  #speed(bytes: number, time: number): number {
    const last = this.#samples.at(-1);
    // A file that starts over takes bytes away: what was measured before says nothing any more.
    if (last !== undefined && bytes < last.bytes) this.#samples.length = 0;
    this.#samples.push({ time, bytes });
    while (this.#samples.length > 2 && time - (this.#samples[0]?.time ?? time) > speedWindow) this.#samples.shift();
    const first = this.#samples[0];
    return first === undefined || time <= first.time ? 0 : ((bytes - first.bytes) * 1000) / (time - first.time);
  }

  #bar(file: FileProgress): string {
    const width = this.#output.columns ?? 80;
    const tail = ` ${percent(file.bytes, file.total).padStart(4)} ${formatBytes(file.bytes)} of ${formatBytes(file.total)}`;
    const note = file.state === 'downloading' ? '' : ` ${file.state}`;
    const name = shorten(file.name, Math.max(12, Math.floor(width * 0.4))).padEnd(
      Math.max(12, Math.floor(width * 0.4)),
    );
    const length = Math.min(40, width - name.length - tail.length - note.length - 4);
    if (length < 5) return shorten(`${name}${tail}${note}`, width - 1);
    const filled = Math.round(file.total === 0 ? length : (length * file.bytes) / file.total);
    return `${name} [${'#'.repeat(filled)}${'-'.repeat(length - filled)}]${tail}${note}`;
  }

  #draw(lines: readonly string[]): void {
    const up = this.#drawnLines > 0 ? `\x1b[${this.#drawnLines}A` : '';
    this.#output.write(`${up}\x1b[J${lines.map((line) => `${line}\n`).join('')}`);
    this.#drawnLines = lines.length;
  }
}

function isActive({ state }: FileProgress): boolean {
  return state !== 'queued' && state !== 'done';
}

function percent(part: number, whole: number): string {
  return `${whole === 0 ? 100 : Math.floor((100 * part) / whole)}%`;
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(0, length - 3))}...`;
}
