import type { Kysely } from 'kysely';
import { PgBoss } from 'pg-boss';
import type { Backend, OnWarning } from './backend.ts';
import { openEmbeddedBackend } from './embedded/embedded-database.ts';
import { migrate } from './migrate.ts';
import type { Notifications } from './notifications.ts';
import { openServerBackend } from './server/server-database.ts';
import type { Tables } from './tables.ts';

/** How often the queue looks after itself. */
const superviseSeconds = 15;
/** For jobs that are still running; whoever runs them is expected to have ended them before. */
const stopMilliseconds = 5000;

export interface DatabaseOptions {
  /** Where the embedded database lives, in its folder `database`. */
  readonly dataFolder: string;
  /** PostgreSQL server to use instead. */
  readonly databaseUrl?: string | undefined;
  /** Default `process.emitWarning`. */
  readonly onWarning?: OnWarning | undefined;
}

/** Where the state of the server is kept. */
export interface Database extends AsyncDisposable {
  readonly kind: 'embedded' | 'server';
  readonly kysely: Kysely<Tables>;
  /** Started; its queues are for its users to create. */
  readonly boss: PgBoss;
  readonly notifications: Notifications;
}

/**
 * Opens PostgreSQL at `databaseUrl`, or else the embedded database, with all tables up to date.
 *
 * @throws SoundstageError where it cannot be reached, is in use by another process, or is of a newer version
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { onWarning = (message) => process.emitWarning(message) } = options;
  await using opened = new AsyncDisposableStack();
  const backend = opened.use(await openTables({ ...options, onWarning }));
  const boss = opened.adopt(newBoss(backend, onWarning), (boss) => boss.stop({ timeout: stopMilliseconds }));
  await boss.start();
  const { kind, kysely, notifications } = backend;
  const stack = opened.move();
  return Object.freeze({ kind, kysely, boss, notifications, [Symbol.asyncDispose]: () => stack.disposeAsync() });
}

/** Like `openDatabase`, without the queue: for a command that only reads or writes tables. */
export async function openTables(options: DatabaseOptions): Promise<Backend> {
  const { dataFolder, databaseUrl, onWarning = (message) => process.emitWarning(message) } = options;
  await using opened = new AsyncDisposableStack();
  const backend = opened.use(
    databaseUrl === undefined
      ? await openEmbeddedBackend(dataFolder, onWarning)
      : await openServerBackend(databaseUrl, onWarning),
  );
  await migrate(backend.kysely);
  opened.move();
  return backend;
}

function newBoss(backend: Backend, onWarning: OnWarning): PgBoss {
  const boss = new PgBoss({ ...backend.queue, useListenNotify: true, superviseIntervalSeconds: superviseSeconds });
  boss.on('error', (error) => onWarning(`the queue: ${error.message}`));
  boss.on('warning', ({ message }) => onWarning(`the queue: ${message}`));
  return boss;
}
