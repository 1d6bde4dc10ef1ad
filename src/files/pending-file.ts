import type { Transaction } from 'kysely';
import type { Tables } from '../database/tables.ts';
import type { BlobStore, WrittenBlob } from './blobs/blob-store.ts';
import type { FileRows } from './file-rows.ts';
import type { FileSweep } from './file-sweep.ts';
import { filePath } from './links/file-url.ts';

export interface PendingFileOptions {
  readonly rows: FileRows;
  readonly blobs: BlobStore;
  readonly sweep: FileSweep;
}

/** A reserved file: write it, then either commit or discard it. */
export class PendingFile {
  readonly id: string;
  /** Below the address of the file server. */
  readonly path: string;
  readonly #options: PendingFileOptions;
  #written: WrittenBlob | undefined;

  constructor({ id, name }: { readonly id: string; readonly name: string }, options: PendingFileOptions) {
    this.id = id;
    this.path = filePath({ id, name });
    this.#options = options;
  }

  /** Takes over a local file, which is gone afterwards. Nobody sees it yet. */
  async write(path: string): Promise<WrittenBlob> {
    this.#written = await this.#options.blobs.place(this.id, path);
    return this.#written;
  }

  /**
   * Makes the file visible, with the transaction if there is one.
   *
   * @throws Error when it was removed in the meantime, so that the transaction fails too
   */
  async commit(transaction?: Transaction<Tables>): Promise<void> {
    if (this.#written === undefined) throw new Error(`file ${this.id} was not written`);
    const committed = await this.#options.rows.commit(this.id, this.#written, transaction);
    if (!committed) throw new Error(`file ${this.id} was removed before it was complete`);
  }

  /** Removes it, unless it was committed. */
  async discard(): Promise<void> {
    if (await this.#options.rows.markAbandoned(this.id)) await this.#options.sweep.purge(this.id);
  }
}
