import type { Results } from '@electric-sql/pglite';
import { Mutex } from '../../shared/mutex.ts';
import type { OnWarning } from '../backend.ts';
import { DatabaseUnavailable, isOutageAnswer } from '../database-unavailable.ts';
import type { GuardedPglite } from './guarded-pglite.ts';

const timeoutMilliseconds = 30_000;
/** Between attempts to open a database that crashed, for instance because the disk is full. */
const reopenMilliseconds = 2_000;

/** Statements on the connection, for as long as it is held. */
export interface DatabaseSession {
  query<Row>(statement: string, parameters?: readonly unknown[]): Promise<Results<Row>>;
  /** Any number of statements without parameters. */
  exec(script: string): Promise<readonly Results[]>;
}

export interface HeldSession extends DatabaseSession {
  /** Whether the database crashed meanwhile, and with it whatever transaction was open. */
  readonly isLost: boolean;
  release(): void;
}

/**
 * The one connection of an embedded database, which its users take in turn.
 *
 * A database that crashed is abandoned and opened again, which recovers all that was committed.
 */
export class SingleConnection implements AsyncDisposable {
  readonly #open: () => Promise<GuardedPglite>;
  readonly #onWarning: OnWarning;
  readonly #mutex = new Mutex();
  readonly #notificationHandlers = new Set<(channel: string, payload: string) => void>();
  readonly #reopenHandlers = new Set<(session: DatabaseSession) => Promise<void>>();
  #current: GuardedPglite | undefined;
  #failure: { readonly at: number; readonly error: unknown } | undefined;

  private constructor(open: () => Promise<GuardedPglite>, onWarning: OnWarning) {
    this.#open = open;
    this.#onWarning = onWarning;
  }

  static async open(open: () => Promise<GuardedPglite>, onWarning: OnWarning): Promise<SingleConnection> {
    const connection = new SingleConnection(open, onWarning);
    connection.#current = await connection.#newDatabase();
    return connection;
  }

  /**
   * Waits for the connection.
   *
   * @throws Error after 30 s: somebody holds it for good, most likely the caller itself, by using the database
   *   instead of the transaction inside one
   */
  async take(): Promise<HeldSession> {
    const release = await this.#takeTurn();
    try {
      const database = this.#current ?? (await this.#reopen());
      return this.#session(database, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  async run<Result>(work: (session: DatabaseSession) => Promise<Result>): Promise<Result> {
    const session = await this.take();
    try {
      return await work(session);
    } finally {
      session.release();
    }
  }

  /** Hears all channels that anybody listens to with `listen`. */
  onNotification(handler: (channel: string, payload: string) => void): void {
    this.#notificationHandlers.add(handler);
  }

  /** Called when the database was opened again; what `listen` did is lost then. */
  onReopen(handler: (session: DatabaseSession) => Promise<void>): void {
    this.#reopenHandlers.add(handler);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const release = await this.#takeTurn();
    try {
      const database = this.#current;
      this.#current = undefined;
      await database?.close();
    } finally {
      release();
    }
  }

  #takeTurn(): Promise<() => void> {
    return new Promise((resolve, reject) => {
      let isGone = false;
      const timer = setTimeout(() => {
        isGone = true;
        reject(new Error('the embedded database did not come free within 30 s: is a transaction left open?'));
      }, timeoutMilliseconds);
      void this.#mutex.run(async () => {
        clearTimeout(timer);
        if (!isGone) await new Promise<void>((release) => resolve(release));
      });
    });
  }

  #session(database: GuardedPglite, release: () => void): HeldSession {
    const isLost = (): boolean => this.#current !== database;
    const guarded = async <Result>(work: () => Promise<Result>): Promise<Result> => {
      if (isLost()) throw new DatabaseUnavailable(new Error('it crashed during this transaction'));
      try {
        return await work();
      } catch (error) {
        if (database.isCrashed) this.#lose(database, error);
        throw database.isCrashed || isOutageAnswer(error) ? new DatabaseUnavailable(error) : error;
      }
    };
    return {
      query: (statement, parameters) => guarded(() => database.query(statement, parameters && [...parameters])),
      exec: (script) => guarded(() => database.exec(script)),
      get isLost() {
        return isLost();
      },
      release,
    };
  }

  #lose(database: GuardedPglite, error: unknown): void {
    if (this.#current !== database) return;
    this.#current = undefined;
    database.abandon();
    this.#onWarning(`the embedded database crashed and is opened again: ${String(error)}`);
  }

  async #reopen(): Promise<GuardedPglite> {
    if (this.#failure !== undefined && performance.now() - this.#failure.at < reopenMilliseconds) {
      throw this.#failure.error;
    }
    try {
      const database = await this.#newDatabase();
      this.#current = database;
      this.#failure = undefined;
      for (const handler of this.#reopenHandlers) await handler(this.#session(database, () => {}));
      return database;
    } catch (error) {
      const failure = new DatabaseUnavailable(error);
      this.#failure = { at: performance.now(), error: failure };
      throw failure;
    }
  }

  async #newDatabase(): Promise<GuardedPglite> {
    const database = await this.#open();
    database.onNotification((channel, payload) => {
      for (const handler of this.#notificationHandlers) handler(channel, payload);
    });
    return database;
  }
}
