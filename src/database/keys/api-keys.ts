import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Tables } from '../tables.ts';

/** A revoked key stops working within this time, in every process. */
const freshMilliseconds = 500;
const secretBytes = 16;

export type KeyScope = 'API' | 'ADMIN';

export interface ApiKey {
  /** The part before the colon. */
  readonly id: string;
  readonly name: string;
  readonly scope: KeyScope;
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}

export interface NewApiKey {
  readonly name: string;
  /** `ADMIN` keys may also manage: usage, deletion of payloads. */
  readonly scope: KeyScope;
}

/** Management of keys, here or through the server that has the database open. */
export interface KeyManagement {
  /** The secret is not kept; this is the only time it is seen. */
  create(key: NewApiKey): Promise<{ readonly id: string; readonly secret: string }>;
  /** Oldest first, revoked ones included. */
  list(): Promise<readonly ApiKey[]>;
  /** Whether there was such a key, and not revoked yet. */
  revoke(id: string): Promise<boolean>;
}

interface StoredKey {
  readonly scope: KeyScope;
  readonly hash: Buffer;
  readonly isRevoked: boolean;
}

interface Snapshot {
  readonly takenAt: number;
  readonly keys: Promise<ReadonlyMap<string, StoredKey>>;
}

const nobody: StoredKey = { scope: 'API', hash: Buffer.alloc(32), isRevoked: true };

/** The API keys of a server. Checking one costs no statement for as long as the keys last read are fresh. */
export class ApiKeys implements KeyManagement {
  readonly #kysely: Kysely<Tables>;
  #snapshot: Snapshot | undefined;

  constructor(kysely: Kysely<Tables>) {
    this.#kysely = kysely;
  }

  async create({ name, scope }: NewApiKey): Promise<{ readonly id: string; readonly secret: string }> {
    const id = randomUUID();
    const secret = randomBytes(secretBytes).toString('hex');
    await this.#kysely
      .insertInto('api_keys')
      .values({ id, name, scope, secret_hash: hashOf(secret).toString('hex'), revoked_at: null })
      .execute();
    this.#snapshot = undefined;
    return { id, secret };
  }

  async list(): Promise<readonly ApiKey[]> {
    const rows = await this.#kysely.selectFrom('api_keys').selectAll().orderBy('created_at').orderBy('id').execute();
    return rows.map(({ id, name, scope, created_at, revoked_at }) => {
      return { id, name, scope, createdAt: created_at, revokedAt: revoked_at };
    });
  }

  async revoke(id: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#kysely
      .updateTable('api_keys')
      .set({ revoked_at: new Date() })
      .where('id', '=', id)
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    this.#snapshot = undefined;
    return numUpdatedRows > 0n;
  }

  /** Whose key this is; undefined for an unknown or revoked one. Takes as long whichever it is. */
  async verify(id: string, secret: string): Promise<{ readonly owner: string; readonly scope: KeyScope } | undefined> {
    const { hash, scope, isRevoked } = (await this.#current()).get(id) ?? nobody;
    const isRight = timingSafeEqual(hash, hashOf(secret));
    return isRight && !isRevoked ? { owner: id, scope } : undefined;
  }

  /** Whether a key with this id may be used; for what was issued to its owner earlier. */
  async isActive(id: string): Promise<boolean> {
    return (await this.#current()).get(id)?.isRevoked === false;
  }

  /** Whether a key was ever created; one that was revoked counts, so that revoking the last does not open the door. */
  async any(): Promise<boolean> {
    return (await this.#current()).size > 0;
  }

  #current(): Promise<ReadonlyMap<string, StoredKey>> {
    const now = performance.now();
    if (this.#snapshot !== undefined && now - this.#snapshot.takenAt < freshMilliseconds) return this.#snapshot.keys;
    const snapshot = { takenAt: now, keys: this.#read() };
    this.#snapshot = snapshot;
    snapshot.keys.catch(() => {
      if (this.#snapshot === snapshot) this.#snapshot = undefined;
    });
    return snapshot.keys;
  }

  async #read(): Promise<ReadonlyMap<string, StoredKey>> {
    const rows = await this.#kysely
      .selectFrom('api_keys')
      .select(['id', 'scope', 'secret_hash', 'revoked_at'])
      .execute();
    return new Map(
      rows.map(({ id, scope, secret_hash, revoked_at }) => {
        return [id, { scope, hash: Buffer.from(secret_hash, 'hex'), isRevoked: revoked_at !== null }];
      }),
    );
  }
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
