import { DatabaseSync } from 'node:sqlite';
import { SoundstageError } from '../../shared/errors.ts';

/** Which content a source (a URL, say) had when it was last asked. */
export interface KnownSource {
  /** SHA-256 of the content, hex. */
  readonly hash: string;
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
  /** Milliseconds since 1970. */
  readonly checkedAt: number;
}

const schema = `
  CREATE TABLE IF NOT EXISTS files (hash TEXT PRIMARY KEY, size INTEGER NOT NULL, used_at INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS sources (
    key TEXT PRIMARY KEY,
    hash TEXT NOT NULL REFERENCES files ON DELETE CASCADE,
    etag TEXT,
    last_modified TEXT,
    checked_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS sources_by_hash ON sources (hash);
  CREATE INDEX IF NOT EXISTS sources_by_age ON sources (checked_at);
`;

const maxSources = 10_000;

/** What the LoRA cache holds, shared by all processes that use its folder. */
export class LoraIndex implements Disposable {
  readonly #database: DatabaseSync;

  /** @throws SoundstageError `device` where the file cannot be used */
  constructor(path: string) {
    try {
      this.#database = new DatabaseSync(path, { timeout: 10_000 });
      // Losing the last entries with the machine's power costs a download, no more.
      this.#database.exec('PRAGMA synchronous = NORMAL');
      this.exclusively(() => this.#database.exec(schema));
    } catch (cause) {
      const message = `the index of the LoRA cache ${path} cannot be used: make it writable, or delete it while nothing runs`;
      throw new SoundstageError('device', message, { cause });
    }
  }

  /** Runs `work` while no other process changes the cache; short, because they wait for it. */
  exclusively<Result>(work: () => Result): Result {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  /** Bytes of a file, or undefined where the cache has it not. */
  sizeOf(hash: string): number | undefined {
    const row = this.#database.prepare('SELECT size FROM files WHERE hash = ?').get(hash);
    return row === undefined ? undefined : Number(row.size);
  }

  add(hash: string, size: number): void {
    this.#database.prepare('INSERT INTO files VALUES (?, ?, ?)').run(hash, size, Date.now());
  }

  touch(hash: string): void {
    this.#database.prepare('UPDATE files SET used_at = ? WHERE hash = ?').run(Date.now(), hash);
  }

  remove(hash: string): void {
    this.#database.prepare('DELETE FROM files WHERE hash = ?').run(hash);
  }

  /** Bytes of all files. */
  totalSize(): number {
    return Number(this.#database.prepare('SELECT coalesce(sum(size), 0) AS total FROM files').get()?.total);
  }

  /** All files, the least recently used first. */
  files(): readonly { readonly hash: string; readonly size: number }[] {
    const rows = this.#database.prepare('SELECT hash, size FROM files ORDER BY used_at').all();
    return rows.map(({ hash, size }) => ({ hash: String(hash), size: Number(size) }));
  }

  source(key: string): KnownSource | undefined {
    const row = this.#database.prepare('SELECT * FROM sources WHERE key = ?').get(key);
    if (row === undefined) return undefined;
    const { hash, etag, last_modified: lastModified, checked_at: checkedAt } = row;
    return {
      hash: String(hash),
      etag: etag === null ? undefined : String(etag),
      lastModified: lastModified === null ? undefined : String(lastModified),
      checkedAt: Number(checkedAt),
    };
  }

  /** Does nothing where the file was removed meanwhile. */
  setSource(key: string, { hash, etag, lastModified, checkedAt }: KnownSource): void {
    if (this.sizeOf(hash) === undefined) return;
    this.#database
      .prepare('INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?, ?)')
      .run(key, hash, etag ?? null, lastModified ?? null, checkedAt);
    this.#database
      .prepare('DELETE FROM sources WHERE key IN (SELECT key FROM sources ORDER BY checked_at DESC LIMIT -1 OFFSET ?)')
      .run(maxSources);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
