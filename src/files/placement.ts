import { setTimeout as sleep } from 'node:timers/promises';
import { type BlobStore, unknownUpload, type WrittenBlob } from './blobs/blob-store.ts';
import type { FileRow, FileRows } from './file-rows.ts';
import { type StoredFile, storedFile } from './stored-file.ts';

/** Milliseconds. */
const pollInterval = 200;
const maxWait = 120_000;

/** Puts an uploaded file into its place, exactly once however often and wherever it arrives. */
export class Placement {
  readonly #rows: FileRows;
  readonly #blobs: BlobStore;

  constructor(rows: FileRows, blobs: BlobStore) {
    this.#rows = rows;
    this.#blobs = blobs;
  }

  /**
   * Runs `write`, which calls `ready` when it has everything and stores it only where that returns true. Where another
   * call was first, its file is the answer, as long as the content is the same.
   *
   * @throws SoundstageError `input` when the upload is unknown, over, or was of other content
   */
  async place(id: string, write: (ready: () => Promise<boolean>) => Promise<WrittenBlob>): Promise<StoredFile> {
    let claimed = false;
    const ready = async () => {
      claimed = await this.#rows.claim(id);
      return claimed;
    };
    try {
      const blob = await write(ready);
      return claimed ? await this.#commit(id, blob) : await this.#placedBefore(id, blob.etag);
    } catch (error) {
      if (claimed) await this.#rows.release(id);
      throw error;
    }
  }

  /** The file, once nobody is busy putting it into its place; undefined where that failed or never began. */
  async settled(id: string): Promise<StoredFile | undefined> {
    const deadline = performance.now() + maxWait;
    let row = await this.#rows.find(id);
    while (isBusy(row) && performance.now() < deadline) {
      await sleep(pollInterval);
      row = await this.#rows.find(id);
    }
    return row && storedFile(row);
  }

  async #commit(id: string, blob: WrittenBlob): Promise<StoredFile> {
    const committed = await this.#rows.commit(id, blob);
    const row = committed ? await this.#rows.find(id) : undefined;
    const file = row && storedFile(row);
    if (file !== undefined) return file;
    await this.#blobs.remove(id);
    throw unknownUpload('this upload was removed before it ended');
  }

  async #placedBefore(id: string, etag: string): Promise<StoredFile> {
    const file = await this.settled(id);
    if (file?.etag === etag) return file;
    throw unknownUpload(file === undefined ? undefined : 'this upload is complete with other content');
  }
}

function isBusy(row: FileRow | undefined): boolean {
  return row?.state === 'storing' && (row.expires_at === null || row.expires_at > new Date());
}
