import {
  AbortedTransactionError,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PGliteAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';
import type { HeldSession, SingleConnection } from './single-connection.ts';

/**
 * Kysely on the one connection of PGlite, which it shares with the queue: whoever wants the connection waits until its
 * holder is through, with the whole transaction if it is in one.
 */
export function serialDialect(connection: SingleConnection): Dialect {
  return {
    createAdapter: () => new SerialAdapter(),
    createDriver: () => new SerialDriver(connection),
    createIntrospector: (kysely) => new PostgresIntrospector(kysely),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

class SerialAdapter extends PGliteAdapter {
  /** Kysely's own lock knows nothing of the queue, waits for ever, and stays taken if the connection cannot be had. */
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

class SerialDriver implements Driver {
  readonly #connection: SingleConnection;

  constructor(connection: SingleConnection) {
    this.#connection = connection;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<HeldConnection> {
    return new HeldConnection(await this.#connection.take());
  }

  async beginTransaction({ session }: HeldConnection, settings: TransactionSettings): Promise<void> {
    const { isolationLevel, accessMode } = settings;
    const level = isolationLevel === undefined ? '' : ` isolation level ${isolationLevel}`;
    await session.exec(`begin${level}${accessMode === undefined ? '' : ` ${accessMode}`}`);
  }

  async commitTransaction({ session }: HeldConnection): Promise<void> {
    const [result] = await session.exec('commit');
    // PostgreSQL answers so if a statement had failed.
    if (result?.command === 'ROLLBACK') throw new AbortedTransactionError();
  }

  async rollbackTransaction({ session }: HeldConnection): Promise<void> {
    if (!session.isLost) await session.exec('rollback');
  }

  async savepoint({ session }: HeldConnection, name: string): Promise<void> {
    await session.exec(`savepoint ${quoted(name)}`);
  }

  async rollbackToSavepoint({ session }: HeldConnection, name: string): Promise<void> {
    await session.exec(`rollback to ${quoted(name)}`);
  }

  async releaseSavepoint({ session }: HeldConnection, name: string): Promise<void> {
    await session.exec(`release ${quoted(name)}`);
  }

  async releaseConnection({ session }: HeldConnection): Promise<void> {
    session.release();
  }

  async destroy(): Promise<void> {}
}

class HeldConnection implements DatabaseConnection {
  readonly session: HeldSession;

  constructor(session: HeldSession) {
    this.session = session;
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const { rows, affectedRows } = await this.session.query<Row>(sql, parameters);
    return { rows, ...(affectedRows !== undefined && { numAffectedRows: BigInt(affectedRows) }) };
  }

  // biome-ignore lint/correctness/useYield: a stream is refused before its first row
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('the embedded database does not stream: use execute()');
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
