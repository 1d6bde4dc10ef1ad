import { formatSeconds } from '../../shared/quantities.ts';
import type { TextOutput } from '../reporting.ts';

const barWidth = 28;
const redrawEvery = 100;

export interface ShownProgress {
  readonly phase: string;
  /** Where in the phase, e.g. ` 3/8`. */
  readonly place: string;
  /** Of the whole, 0…1. */
  readonly fraction: number;
  readonly secondsLeft: number | undefined;
}

/** Shows progress: one line that redraws itself on a terminal, one line per phase elsewhere. */
export class GenerationDisplay implements Disposable {
  readonly #output: TextOutput;
  readonly #quiet: boolean;
  #drawn = false;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #phase = '';

  constructor(output: TextOutput, quiet: boolean) {
    this.#output = output;
    this.#quiet = quiet;
  }

  update(progress: ShownProgress): void {
    if (this.#quiet) return;
    if (this.#output.isTTY) this.#draw(progress);
    else if (progress.phase !== this.#phase) this.#output.write(`${percent(progress)} ${progress.phase}\n`);
    this.#phase = progress.phase;
  }

  /** The file is there. */
  done(): void {
    this.finish();
    if (!this.#quiet && !this.#output.isTTY) this.#output.write('100 % done\n');
  }

  note(text: string): void {
    this.finish();
    this.#output.write(`note: ${text}\n`);
  }

  /** Takes the line away, so that what follows starts at the margin. */
  finish(): void {
    if (this.#drawn) this.#output.write('\r\u001b[K');
    this.#drawn = false;
  }

  [Symbol.dispose](): void {
    this.finish();
  }

  #draw(progress: ShownProgress): void {
    const now = performance.now();
    if (now - this.#drawnAt < redrawEvery && progress.phase === this.#phase) return;
    this.#drawnAt = now;
    const { phase, place, fraction, secondsLeft } = progress;
    const full = Math.round(fraction * barWidth);
    const bar = '█'.repeat(full) + '░'.repeat(barWidth - full);
    const left = secondsLeft === undefined ? '' : `, about ${formatSeconds(secondsLeft)} left`;
    const line = `${bar} ${percent(progress)} ${phase}${place}${left}`;
    this.#output.write(`\r\u001b[K${line.slice(0, (this.#output.columns ?? 100) - 1)}`);
    this.#drawn = true;
  }
}

function percent({ fraction }: ShownProgress): string {
  return `${Math.floor(fraction * 100)} %`.padStart(5);
}
