import type { LogLevel } from '../clip-maker.ts';
import type { LogEntry } from './attempt.ts';

const flushMilliseconds = 80;
const retryMilliseconds = 1000;
const maxMessage = 4000;
/** Beyond that, something logs without end and the rest is dropped. */
const maxEntries = 10_000;

/** Writes log entries soon and in order, several at a time; keeps them while the database is away. */
export class LogWriter {
  readonly #write: (entries: readonly LogEntry[]) => Promise<boolean>;
  readonly #onError: (error: unknown) => void;
  #entries: LogEntry[] = [];
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(write: (entries: readonly LogEntry[]) => Promise<boolean>, onError: (error: unknown) => void) {
    this.#write = write;
    this.#onError = onError;
  }

  add(level: LogLevel, message: string): void {
    this.#count += 1;
    if (this.#ended || this.#count > maxEntries) return;
    this.#entries.push({ at: new Date(), level, message: message.slice(0, maxMessage) });
    this.#schedule(flushMilliseconds);
  }

  /** Waits for what is being written, and hands over the rest. */
  async end(): Promise<readonly LogEntry[]> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await this.#writing;
    return this.#entries;
  }

  #schedule(milliseconds: number): void {
    this.#timer ??= setTimeout(() => {
      this.#writing = this.#flush();
    }, milliseconds);
  }

  async #flush(): Promise<void> {
    const entries = this.#entries;
    this.#entries = [];
    let again = flushMilliseconds;
    try {
      await this.#write(entries);
    } catch (error) {
      this.#onError(error);
      this.#entries = [...entries, ...this.#entries];
      again = retryMilliseconds;
    }
    this.#timer = undefined;
    if (this.#entries.length > 0 && !this.#ended) this.#schedule(again);
  }
}
