import { createHash } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Tables } from '../../database/tables.ts';
import { SoundstageError } from '../../shared/errors.ts';
import {
  type BlobPart,
  type BlobStore,
  type ByteSource,
  unknownUpload,
  type WrittenBlob,
} from '../blobs/blob-store.ts';
import { fileTooLarge } from '../blobs/spool.ts';
import type { FileRows } from '../file-rows.ts';
import type { Placement } from '../placement.ts';
import type { StoredFile } from '../stored-file.ts';
import { PartRows } from './part-rows.ts';

/** As S3 has it. */
export const maxPartNumber = 10_000;

export interface ListedPart {
  readonly partNumber: number;
  /** As the caller was told, with or without quotes. */
  readonly etag: string;
}

export interface PartUploadsOptions {
  readonly kysely: Kysely<Tables>;
  readonly rows: FileRows;
  readonly blobs: BlobStore;
  readonly placement: Placement;
}

/** Uploads of one file in several parts, in any order and several at a time. */
export class PartUploads {
  readonly #rows: FileRows;
  readonly #parts: PartRows;
  readonly #blobs: BlobStore;
  readonly #placement: Placement;

  constructor({ kysely, rows, blobs, placement }: PartUploadsOptions) {
    this.#rows = rows;
    this.#parts = new PartRows(kysely);
    this.#blobs = blobs;
    this.#placement = placement;
  }

  /** Makes a reserved file one that arrives in parts; returns the upload's id. */
  async start(fileId: string): Promise<string> {
    const upload = await this.#blobs.startParts(fileId);
    try {
      await this.#rows.setUpload(fileId, upload);
    } catch (error) {
      await this.#blobs.abortParts(fileId, upload);
      throw error;
    }
    return publicUploadId(upload);
  }

  /** Owner of the file, if this upload belongs to it. */
  async owner(fileId: string, uploadId: string): Promise<string | undefined> {
    const row = await this.#rows.find(fileId);
    if (row?.upload_id == null || publicUploadId(row.upload_id) !== uploadId) return undefined;
    return row.owner;
  }

  /**
   * Takes a part; one sent again replaces the earlier one. `limit` (bytes) is that of the whole file.
   *
   * @throws SoundstageError `input` when the upload is unknown or over, `file_too_large` past the limit
   */
  async write(fileId: string, partNumber: number, source: ByteSource, limit: number): Promise<WrittenBlob> {
    if (!(Number.isInteger(partNumber) && partNumber >= 1 && partNumber <= maxPartNumber)) {
      throw new SoundstageError('input', `parts are numbered from 1 to ${maxPartNumber}`, { field: 'partNumber' });
    }
    const upload = await this.#open(fileId);
    const others = (await this.#parts.list(fileId)).filter((part) => part.partNumber !== partNumber);
    const part = await this.#blobs.writePart(fileId, upload, partNumber, source, limit - totalSize(others));
    const { kept, replaced } = await this.#parts.put(fileId, { partNumber, ...part });
    if (!kept) {
      await this.#abandon(fileId, upload);
      throw unknownUpload();
    }
    if (replaced !== undefined && replaced !== part.etag) await this.#blobs.dropPart(upload, partNumber, replaced);
    return part;
  }

  /**
   * Joins the listed parts, which have to be all from 1 on. Repeating the call returns the same file.
   *
   * @throws SoundstageError `input` (field `parts`) when parts are missing, changed, or empty
   */
  async complete(fileId: string, listed: readonly ListedPart[], limit: number): Promise<StoredFile> {
    try {
      return await this.#join(fileId, listed, limit);
    } catch (error) {
      const earlier = await this.#placement.settled(fileId);
      if (earlier !== undefined) return earlier;
      throw error;
    }
  }

  async #join(fileId: string, listed: readonly ListedPart[], limit: number): Promise<StoredFile> {
    const upload = await this.#open(fileId);
    const parts = checkedParts(listed, await this.#parts.list(fileId));
    if (totalSize(parts) > limit) throw fileTooLarge(limit);
    const file = await this.#placement.place(fileId, async (ready) => {
      if (!(await ready())) throw unknownUpload();
      return this.#blobs.completeParts(fileId, upload, parts);
    });
    await this.#parts.clear(fileId);
    await this.#blobs.abortParts(fileId, upload);
    return file;
  }

  /** The store's name of an upload that still takes parts. */
  async #open(fileId: string): Promise<string> {
    const row = await this.#rows.find(fileId);
    const over = row?.expires_at != null && row.expires_at <= new Date();
    if (row?.state !== 'pending' || row.upload_id === null || over) throw unknownUpload();
    return row.upload_id;
  }

  /** A part that arrived after the end of its upload must not stay; while the file is put in its place, it may. */
  async #abandon(fileId: string, upload: string): Promise<void> {
    const row = await this.#rows.find(fileId);
    if (row?.state !== 'storing') await this.#blobs.abortParts(fileId, upload);
  }
}

/** Stores name uploads in ways that do not always fit into a URL. */
function publicUploadId(upload: string): string {
  return createHash('sha256').update(upload).digest('hex').slice(0, 32);
}

function checkedParts(listed: readonly ListedPart[], present: readonly BlobPart[]): BlobPart[] {
  if (listed.length === 0) throw refused('list the parts to join');
  const byNumber = new Map(present.map((part) => [part.partNumber, part]));
  const sorted = listed.toSorted((left, right) => left.partNumber - right.partNumber);
  const parts = sorted.map(({ partNumber, etag }, index) => {
    const expected = index + 1;
    if (partNumber < expected) throw refused(`part ${partNumber} is listed twice`);
    if (partNumber > expected) throw refused(`part ${expected} is missing: parts are numbered from 1 without gaps`);
    const part = byNumber.get(partNumber);
    if (part === undefined) throw refused(`part ${partNumber} was not uploaded`);
    if (part.etag !== etag.replace(/^(W\/)?"|"$/g, '')) throw refused(`part ${partNumber} has another etag`);
    return part;
  });
  const empty = parts.find(({ size }) => size === 0);
  if (empty !== undefined && parts.length > 1) throw refused(`part ${empty.partNumber} is empty: send it again`);
  return parts;
}

function totalSize(parts: readonly BlobPart[]): number {
  return parts.reduce((sum, { size }) => sum + size, 0);
}

function refused(message: string): SoundstageError {
  return new SoundstageError('input', message, { field: 'parts' });
}
