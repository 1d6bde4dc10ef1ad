import type { Kysely } from 'kysely';
import type { Tables } from '../../database/tables.ts';
import type { BlobPart } from '../blobs/blob-store.ts';

/** The table of the parts that have arrived of files being uploaded in parts. */
export class PartRows {
  readonly #kysely: Kysely<Tables>;

  constructor(kysely: Kysely<Tables>) {
    this.#kysely = kysely;
  }

  /** In order of their number. */
  async list(fileId: string): Promise<BlobPart[]> {
    const rows = await this.#kysely
      .selectFrom('upload_parts')
      .select(['part_number', 'etag', 'size'])
      .where('file_id', '=', fileId)
      .orderBy('part_number')
      .execute();
    return rows.map(({ part_number: partNumber, etag, size }) => ({ partNumber, etag, size: Number(size) }));
  }

  /** `kept` is false where the file is no longer waiting for parts; `replaced`: etag of an earlier one of that number. */
  async put(
    fileId: string,
    { partNumber, etag, size }: BlobPart,
  ): Promise<{ kept: boolean; replaced?: string | undefined }> {
    return this.#kysely.transaction().execute(async (transaction) => {
      const waiting = await transaction
        .selectFrom('files')
        .select('id')
        .where('id', '=', fileId)
        .where('state', '=', 'pending')
        .forUpdate()
        .executeTakeFirst();
      if (waiting === undefined) return { kept: false };
      const earlier = await transaction
        .selectFrom('upload_parts')
        .select('etag')
        .where('file_id', '=', fileId)
        .where('part_number', '=', partNumber)
        .executeTakeFirst();
      const part = { part_number: partNumber, etag, size: String(size) };
      await transaction
        .insertInto('upload_parts')
        .values({ file_id: fileId, ...part })
        .onConflict((conflict) => conflict.columns(['file_id', 'part_number']).doUpdateSet(part))
        .execute();
      return { kept: true, replaced: earlier?.etag };
    });
  }

  async clear(fileId: string): Promise<void> {
    await this.#kysely.deleteFrom('upload_parts').where('file_id', '=', fileId).execute();
  }
}
