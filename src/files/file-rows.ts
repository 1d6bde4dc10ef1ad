import { type Kysely, type Selectable, sql, type Transaction, type UpdateObject } from 'kysely';
import type { FilesTable, Tables } from '../database/tables.ts';
import type { WrittenBlob } from './blobs/blob-store.ts';
import { safeContentType } from './content-type.ts';
import type { AccessControl } from './lifecycle.ts';
import type { NewFile } from './stored-file.ts';

export type FileRow = Selectable<FilesTable>;

export interface Reservation extends NewFile {
  readonly id: string;
  /** Seconds until it is given up. */
  readonly pendingSeconds: number;
  /** Seconds it is kept where its lifecycle does not say; undefined: for ever. */
  readonly retention: number | undefined;
}

/** Files that a request made, or that are part of its input. */
export interface PartOfRequest {
  readonly requestId: string;
  readonly as: 'request_id' | 'input_of';
}

const hidden: AccessControl = Object.freeze({ default: 'hide', rules: [] });

/** The table of files. A row goes from `pending` through `storing` to `stored`, and from anywhere to `removed`. */
export class FileRows {
  readonly #kysely: Kysely<Tables>;

  constructor(kysely: Kysely<Tables>) {
    this.#kysely = kysely;
  }

  async insert({ id, owner, name, contentType, requestId, inputOf, lifecycle, ...times }: Reservation): Promise<void> {
    const access = inputOf === undefined ? lifecycle?.initial_acl : hidden;
    const lifetime = lifecycle?.expiration_duration_seconds ?? times.retention ?? null;
    await this.#kysely
      .insertInto('files')
      .values({
        id,
        owner,
        name,
        content_type: safeContentType(contentType),
        state: 'pending',
        access: access?.default ?? 'allow',
        access_rules: JSON.stringify(access?.rules ?? []),
        request_id: requestId ?? null,
        input_of: inputOf ?? null,
        lifetime: inputOf === undefined ? lifetime : null,
        expires_at: new Date(Date.now() + times.pendingSeconds * 1000),
      })
      .execute();
  }

  find(id: string): Promise<FileRow | undefined> {
    return this.#kysely.selectFrom('files').selectAll().where('id', '=', id).executeTakeFirst();
  }

  inputsOf(requestId: string): Promise<FileRow[]> {
    return this.#kysely.selectFrom('files').selectAll().where('input_of', '=', requestId).execute();
  }

  async setUpload(id: string, upload: string): Promise<void> {
    await this.#kysely.updateTable('files').set({ upload_id: upload }).where('id', '=', id).execute();
  }

  async setAccess(id: string, access: AccessControl): Promise<void> {
    const values = { access: access.default, access_rules: JSON.stringify(access.rules) };
    await this.#kysely.updateTable('files').set(values).where('id', '=', id).execute();
  }

  /** Whether the caller is now the one to put the file into its place. */
  claim(id: string): Promise<boolean> {
    return this.#move(this.#kysely, id, ['pending'], { state: 'storing' });
  }

  /** Lets somebody else try. */
  async release(id: string): Promise<void> {
    await this.#move(this.#kysely, id, ['storing'], { state: 'pending' });
  }

  /** False where the row was removed in the meantime. */
  commit(id: string, { size, etag }: WrittenBlob, transaction?: Transaction<Tables>): Promise<boolean> {
    return this.#move(transaction ?? this.#kysely, id, ['pending', 'storing'], {
      state: 'stored',
      size: String(size),
      etag,
      stored_at: sql<Date>`now()`,
      expires_at: sql<Date | null>`now() + lifetime * interval '1 second'`,
    });
  }

  async markRemoved(id: string): Promise<void> {
    await this.#kysely.updateTable('files').set({ state: 'removed' }).where('id', '=', id).execute();
  }

  /** Removes what is not stored; false where it is. */
  async markAbandoned(id: string): Promise<boolean> {
    await this.#move(this.#kysely, id, ['pending', 'storing'], { state: 'removed' });
    return (await this.find(id))?.state !== 'stored';
  }

  async markRequestRemoved({ requestId, as }: PartOfRequest): Promise<void> {
    await this.#kysely.updateTable('files').set({ state: 'removed' }).where(as, '=', requestId).execute();
  }

  /** Marks what has expired, and what was reserved for a request that is over or gone. */
  async markExpired(now: Date): Promise<void> {
    await this.#kysely
      .updateTable('files')
      .set({ state: 'removed' })
      .where('state', '<>', 'removed')
      .where(({ or, and, not, exists, eb, selectFrom }) =>
        or([
          eb('expires_at', '<=', now),
          and([
            eb('state', '<>', 'stored'),
            eb('request_id', 'is not', null),
            not(
              exists(
                selectFrom('requests')
                  .select('requests.id')
                  .whereRef('requests.id', '=', 'files.request_id')
                  .where('requests.state', '<>', 'COMPLETED'),
              ),
            ),
          ]),
        ]),
      )
      .execute();
  }

  /** Removed rows with an id after `after`, in order of id. */
  removed(after: string, limit: number, of?: PartOfRequest): Promise<Pick<FileRow, 'id' | 'upload_id'>[]> {
    const removed = this.#kysely.selectFrom('files').select(['id', 'upload_id']).where('state', '=', 'removed');
    const asked = of === undefined ? removed : removed.where(of.as, '=', of.requestId);
    return asked.where('id', '>', after).orderBy('id').limit(limit).execute();
  }

  async delete(id: string): Promise<void> {
    await this.#kysely.deleteFrom('files').where('id', '=', id).execute();
  }

  /** Those of `ids` that have a row. */
  async existing(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.#kysely.selectFrom('files').select('id').where('id', 'in', ids).execute();
    return new Set(rows.map(({ id }) => id));
  }

  async #move(
    executor: Kysely<Tables>,
    id: string,
    from: readonly FileRow['state'][],
    values: UpdateObject<Tables, 'files'>,
  ): Promise<boolean> {
    const result = await executor
      .updateTable('files')
      .set(values)
      .where('id', '=', id)
      .where('state', 'in', from)
      .executeTakeFirst();
    return result.numUpdatedRows > 0n;
  }
}
