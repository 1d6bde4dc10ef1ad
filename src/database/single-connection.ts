import type { PGlite } from '@electric-sql/pglite';
import { type Db, fromPglite } from 'pg-boss';
import { Turns } from '../shared/turns.ts';

const PATIENCE_MILLISECONDS = 30_000;

/** The one connection of an embedded database, which its users take in turn. */
export class SingleConnection {
  readonly pglite: PGlite;
  readonly #turns = new Turns();

  constructor(pglite: PGlite) {
    this.pglite = pglite;
  }

  /**
   * Waits for the connection and returns the function that gives it back.
   *
   * @throws Error after 30 s: somebody holds it for good, most likely the caller itself, by using the database
   *   instead of the transaction inside one
   */
  take(): Promise<() => void> {
    return new Promise((resolve, reject) => {
      let isGone = false;
      const timer = setTimeout(() => {
        isGone = true;
        reject(new Error('the embedded database did not come free within 30 s: is a transaction left open?'));
      }, PATIENCE_MILLISECONDS);
      void this.#turns.run(async () => {
        clearTimeout(timer);
        if (isGone) return;
        await new Promise<void>((release) => resolve(release));
      });
    });
  }

  async run<Result>(work: (pglite: PGlite) => Promise<Result>): Promise<Result> {
    const release = await this.take();
    try {
      return await work(this.pglite);
    } finally {
      release();
    }
  }

  /** The connection as the queue uses it. */
  forQueue(): Db {
    const queue = fromPglite(this.pglite);
    return {
      executeSql: (text, values) => this.run(() => queue.executeSql(text, values)),
      listen: async (channel, onNotification, onReconnect) => {
        const unlisten = await this.run((pglite) => pglite.listen(channel, onNotification));
        onReconnect();
        return { close: () => this.run(() => unlisten()) };
      },
    };
  }
}
