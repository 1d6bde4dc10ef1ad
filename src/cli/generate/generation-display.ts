import type { Progress } from '../../pipeline/engine/engine-messages.ts';
import type { TextOutput } from '../reporting.ts';

const barWidth = 28;
const redrawEvery = 100;

/** Shows a clip's progress: one line that redraws itself on a terminal, one line per phase elsewhere. */
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

  update(progress: Progress): void {
    if (this.#quiet) return;
    if (this.#output.isTTY) this.#draw(progress);
    else if (progress.phase !== this.#phase) this.#output.write(`${percent(progress)} ${progress.phase}\n`);
    this.#phase = progress.phase;
  }

  /** The clip is there. */
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

  #draw(progress: Progress): void {
    const now = performance.now();
    if (now - this.#drawnAt < redrawEvery && progress.phase === this.#phase) return;
    this.#drawnAt = now;
    const { phase, step, steps, fraction, seconds } = progress;
    const full = Math.round(fraction * barWidth);
    const bar = '█'.repeat(full) + '░'.repeat(barWidth - full);
    const left = fraction > 0.02 ? `, about ${Math.ceil((seconds / fraction) * (1 - fraction))} s left` : '';
    const line = `${bar} ${percent(progress)} ${phase} ${step}/${steps}${left}`;
    this.#output.write(`\r\u001b[K${line.slice(0, (this.#output.columns ?? 100) - 1)}`);
    this.#drawn = true;
  }
}

function percent({ fraction }: Progress): string {
  return `${Math.floor(fraction * 100)} %`.padStart(5);
}
