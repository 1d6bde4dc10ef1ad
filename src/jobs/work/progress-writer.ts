import type { Preview, Progress } from '../../pipeline/engine/engine-messages.ts';
import type { ProgressChanges } from '../request/request-progress.ts';
import { previewSheet } from './preview-sheet.ts';

/** Changes that come closer together are written together. */
const flushMilliseconds = 200;

/** Writes how far a clip is, now and then: always the newest, and never twice at a time. */
export class ProgressWriter {
  readonly #write: (changes: ProgressChanges) => Promise<boolean>;
  readonly #onError: (error: unknown) => void;
  #progress: ProgressChanges['progress'] | undefined;
  #preview: ProgressChanges['preview'];
  #changed = false;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(write: (changes: ProgressChanges) => Promise<boolean>, onError: (error: unknown) => void) {
    this.#write = write;
    this.#onError = onError;
  }

  update({ type: _, ...progress }: Progress): void {
    this.#progress = progress;
    this.#schedule();
  }

  async show(preview: Preview): Promise<void> {
    this.#preview = await previewSheet(preview);
    this.#schedule();
  }

  /** Waits for what is being written; the rest is of no use any more. */
  async end(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await this.#writing;
  }

  #schedule(): void {
    this.#changed = true;
    if (this.#ended) return;
    this.#timer ??= setTimeout(() => {
      this.#writing = this.#flush();
    }, flushMilliseconds);
  }

  async #flush(): Promise<void> {
    const { progress, preview } = { progress: this.#progress, preview: this.#preview };
    this.#changed = false;
    this.#preview = undefined;
    try {
      if (progress !== undefined) await this.#write({ progress, preview });
    } catch (error) {
      // The next change brings everything that matters.
      this.#onError(error);
    }
    this.#timer = undefined;
    if (this.#changed) this.#schedule();
  }
}
