import type { PGlite } from '@electric-sql/pglite';
import {
  AbortedTransactionError,
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PGliteAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';
import type { SingleConnection } from './single-connection.ts';

/**
 * Kysely on one PGlite connection: whoever wants it waits until its holder is through, with the whole transaction if
 * it is in one. Kysely's own dialect hands the same connection to everybody, so that a statement issued during
 * somebody's transaction becomes part of it.
 */
export function serialDialect(connection: SingleConnection): Dialect {
  return {
    createAdapter: () => new PGliteAdapter(),
    createDriver: () => new SerialDriver(connection),
    createIntrospector: (kysely) => new PostgresIntrospector(kysely),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}

class SerialDriver implements Driver {
  readonly #connection: SingleConnection;

  constructor(connection: SingleConnection) {
    this.#connection = connection;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<HeldConnection> {
    return new HeldConnection(this.#connection.pglite, await this.#connection.take());
  }

  async beginTransaction(held: HeldConnection, settings: TransactionSettings): Promise<void> {
    const { isolationLevel, accessMode } = settings;
    const level = isolationLevel === undefined ? '' : ` isolation level ${isolationLevel}`;
    await held.pglite.exec(`begin${level}${accessMode === undefined ? '' : ` ${accessMode}`}`);
  }

  async commitTransaction(held: HeldConnection): Promise<void> {
    const [result] = await held.pglite.exec('commit');
    // PostgreSQL answers so if a statement had failed.
    if (result?.command === 'ROLLBACK') throw new AbortedTransactionError();
  }

  async rollbackTransaction(held: HeldConnection): Promise<void> {
    await held.pglite.exec('rollback');
  }

  async savepoint(held: HeldConnection, name: string): Promise<void> {
    await held.executeQuery(CompiledQuery.raw(`savepoint ${quoted(name)}`));
  }

  async rollbackToSavepoint(held: HeldConnection, name: string): Promise<void> {
    await held.executeQuery(CompiledQuery.raw(`rollback to ${quoted(name)}`));
  }

  async releaseSavepoint(held: HeldConnection, name: string): Promise<void> {
    await held.executeQuery(CompiledQuery.raw(`release ${quoted(name)}`));
  }

  async releaseConnection(held: HeldConnection): Promise<void> {
    held.release();
  }

  async destroy(): Promise<void> {}
}

class HeldConnection implements DatabaseConnection {
  readonly pglite: PGlite;
  readonly release: () => void;

  constructor(pglite: PGlite, release: () => void) {
    this.pglite = pglite;
    this.release = release;
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const { rows, affectedRows } = await this.pglite.query<Row>(sql, [...parameters]);
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
