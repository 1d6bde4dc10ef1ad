import type { BlobStore } from './blobs/blob-store.ts';
import type { FileRows, PartOfRequest } from './file-rows.ts';

const batchSize = 500;
const day = 86_400_000;
/** Milliseconds; no upload and no request takes that long. */
const abandonedAfter = 2 * day;

/** Removes the blobs of removed rows, then the rows. */
export class FileSweep {
  readonly #rows: FileRows;
  readonly #blobs: BlobStore;
  #searchedAt: Date | undefined;

  constructor(rows: FileRows, blobs: BlobStore) {
    this.#rows = rows;
    this.#blobs = blobs;
  }

  /** The store itself is searched for leftovers once a day, because that reads all of it. */
  async run(now: Date): Promise<void> {
    await this.#rows.markExpired(now);
    await this.purgeRemoved();
    if (this.#searchedAt !== undefined && now.getTime() - this.#searchedAt.getTime() < day) return;
    this.#searchedAt = now;
    const before = new Date(now.getTime() - abandonedAfter);
    await this.#blobs.sweepUnfinished(before);
    await this.#removeUnknown(before);
  }

  /** Removes the blob and the row of a file that was marked as removed; does nothing where it is gone. */
  async purge(id: string): Promise<void> {
    const row = await this.#rows.find(id);
    await this.#purgeRow({ id, upload_id: row?.upload_id ?? null });
  }

  /** Goes on after a failure, which is thrown at the end. */
  async purgeRemoved(of?: PartOfRequest): Promise<void> {
    const failures: unknown[] = [];
    let rows = await this.#rows.removed('', batchSize, of);
    for (let last = rows.at(-1); last !== undefined; last = rows.at(-1)) {
      for (const row of rows) await this.#purgeRow(row).catch((error: unknown) => failures.push(error));
      rows = await this.#rows.removed(last.id, batchSize, of);
    }
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, `${failures.length} files could not be removed`);
  }

  async #purgeRow({
    id,
    upload_id: upload,
  }: {
    readonly id: string;
    readonly upload_id: string | null;
  }): Promise<void> {
    if (upload !== null) await this.#blobs.abortParts(id, upload);
    await this.#blobs.remove(id);
    await this.#rows.delete(id);
  }

  /** Blobs without a row: of a writer that outlived the removal of its row and then died. */
  async #removeUnknown(before: Date): Promise<void> {
    let batch: string[] = [];
    const flush = async () => {
      const known = batch.length === 0 ? new Set() : await this.#rows.existing(batch);
      for (const id of batch) if (!known.has(id)) await this.#blobs.remove(id);
      batch = [];
    };
    for await (const id of this.#blobs.list(before)) {
      batch.push(id);
      if (batch.length === batchSize) await flush();
    }
    await flush();
  }
}
