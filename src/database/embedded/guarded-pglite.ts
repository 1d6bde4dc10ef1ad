import { PGlite, types } from '@electric-sql/pglite';
import { SyncedFolder } from './synced-folder.ts';

const startParameters = [
  // PGlite turns fsync off; a power cut would then damage the database.
  ...PGlite.defaultStartParams.filter((parameter) => parameter !== '-F'),
  // The default, fdatasync, does nothing in PGlite's C library.
  ...['-c', 'wal_sync_method=fsync'],
  // Its timer would outlive a failed start and keep the process from ending.
  ...['-c', 'log_startup_progress_interval=0'],
];

/** Segments of the log of 16 MiB, the default, would double the size of a small database. */
const initialParameters = ['--wal-segsize=1'];

/** What node-postgres does: numbers that JavaScript cannot hold stay text. */
const valueParsers = { [types.INT8]: (text: string) => text };

/**
 * PGlite on a folder, durable, and safe to use after a crash: PostgreSQL ends its process when it cannot go on (the
 * log cannot be written, say), but here the next message would never return, and PGlite sends one by itself.
 */
export class GuardedPglite extends PGlite {
  readonly #files: SyncedFolder;
  #crash: unknown;

  private constructor(files: SyncedFolder) {
    super({ fs: files, startParams: startParameters, initDbStartParams: initialParameters, parsers: valueParsers });
    this.#files = files;
  }

  static async open(folder: string): Promise<GuardedPglite> {
    const files = new SyncedFolder(folder);
    try {
      const database = new GuardedPglite(files);
      await database.waitReady;
      return database;
    } catch (error) {
      files.abandon();
      throw error;
    }
  }

  get isCrashed(): boolean {
    return this.#crash !== undefined;
  }

  override async execProtocolStream(
    ...parameters: Parameters<PGlite['execProtocolStream']>
  ): ReturnType<PGlite['execProtocolStream']> {
    if (this.isCrashed) throw this.#crash;
    try {
      return await super.execProtocolStream(...parameters);
    } catch (error) {
      if (isCrash(error)) this.#crash = error;
      throw error;
    }
  }

  /** Instead of `close` after a crash: lets go of the files. */
  abandon(): void {
    this.#files.abandon();
  }
}

/** Anything else leaves the database usable. The names are those of errors of WebAssembly and of Emscripten. */
function isCrash(error: unknown): boolean {
  const { severity, name } = error as { readonly severity?: string; readonly name?: string };
  return severity === 'PANIC' || severity === 'FATAL' || name === 'RuntimeError' || name === 'ExitStatus';
}
