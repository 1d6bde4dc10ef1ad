import { randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { AccessDecision } from '../database/json-columns.ts';
import type { Tables } from '../database/tables.ts';
import { SoundstageError } from '../shared/errors.ts';
import { isKey } from './blobs/blob-key.ts';
import { type BlobStore, type ByteRange, type ByteSource, unknownUpload } from './blobs/blob-store.ts';
import { FileRows, type PartOfRequest } from './file-rows.ts';
import { FileSweep } from './file-sweep.ts';
import type { AccessControl } from './lifecycle.ts';
import { safeFileName } from './links/file-name.ts';
import { lookupFileUrl } from './links/file-url.ts';
import type { LinkSignature } from './links/link-signature.ts';
import { PendingFile } from './pending-file.ts';
import { Placement } from './placement.ts';
import { accessDecision, type NewFile, type OpenedFile, type StoredFile, storedFile } from './stored-file.ts';
import { PartUploads } from './uploads/part-uploads.ts';

export interface FileStoreOptions {
  readonly kysely: Kysely<Tables>;
  readonly blobs: BlobStore;
  /** Seconds for which files are kept whose lifecycle does not say; undefined: for ever. */
  readonly retention?: number | undefined;
  readonly links: LinkSignature;
}

/** Who asks; undefined for somebody who presented no credential. */
export interface FileCaller {
  readonly user: string | undefined;
  /** What a signed link carries. */
  readonly signature?: string | undefined;
}

export interface OwnUrlOptions {
  /** Hosts (with port) under which the caller knows this server. */
  readonly ownHosts: readonly string[];
  /** Who names the URL. */
  readonly user: string;
}

/** Seconds in which an upload has to be finished, or a request has to produce its file. */
export const pendingSeconds = 86_400;
/** Seconds in which a file that is complete has to be part of a request. */
const inputPendingSeconds = 3600;

/**
 * Uploaded and produced files: their bytes in a blob store, everything else in the table `files`.
 *
 * A row is written before its blob and goes after it, so that no blob is forgotten.
 */
export class FileStore implements AsyncDisposable {
  /** Files that arrive in parts. */
  readonly parts: PartUploads;
  readonly #blobs: BlobStore;
  readonly #rows: FileRows;
  readonly #retention: number | undefined;
  readonly #links: LinkSignature;
  readonly #placement: Placement;
  readonly #sweep: FileSweep;

  constructor({ kysely, blobs, retention, links }: FileStoreOptions) {
    this.#blobs = blobs;
    this.#rows = new FileRows(kysely);
    this.#retention = retention;
    this.#links = links;
    this.#placement = new Placement(this.#rows, blobs);
    this.#sweep = new FileSweep(this.#rows, blobs);
    this.parts = new PartUploads({ kysely, rows: this.#rows, blobs, placement: this.#placement });
  }

  /** Promises an id for a file whose bytes come later; given up after a day, or when its request is over. */
  async reserve(file: NewFile): Promise<PendingFile> {
    // 128 random bits: knowing the address of a file is what lets most callers read it.
    const id = randomBytes(16).toString('hex');
    const name = safeFileName(file.name);
    const times = { pendingSeconds: file.inputOf === undefined ? pendingSeconds : inputPendingSeconds };
    await this.#rows.insert({ ...file, id, name, ...times, retention: this.#retention });
    return new PendingFile({ id, name }, { rows: this.#rows, blobs: this.#blobs, sweep: this.#sweep });
  }

  /** Stores what `source` yields, `limit` bytes at most; nothing stays when it throws. */
  async store(file: NewFile, source: ByteSource, limit: number): Promise<StoredFile> {
    const { id } = await this.reserve(file);
    try {
      return await this.receive(id, source, limit);
    } catch (error) {
      await this.remove(id);
      throw error;
    }
  }

  /**
   * Stores the bytes of a reserved file. The same bytes may be sent again, others may not.
   *
   * @throws SoundstageError `input` when the reservation is unknown or over
   */
  async receive(id: string, source: ByteSource, limit: number): Promise<StoredFile> {
    const row = await this.#rows.find(id);
    const over = row?.expires_at != null && row.expires_at <= new Date();
    if (row === undefined || row.state === 'removed' || row.upload_id !== null || over) throw unknownUpload();
    return this.#placement.place(id, (ready) => this.#blobs.write(id, source, { limit, ready }));
  }

  /** Undefined where the file is unknown, incomplete, removed or expired. */
  async find(id: string): Promise<StoredFile | undefined> {
    const row = isKey(id) ? await this.#rows.find(id) : undefined;
    return row && storedFile(row);
  }

  /** Whose it is, complete or not. */
  async ownerOf(id: string): Promise<string | undefined> {
    return isKey(id) ? (await this.#rows.find(id))?.owner : undefined;
  }

  /** Like `find`, with the bytes; `range` must lie within the file. */
  async open(id: string, range?: ByteRange): Promise<OpenedFile | undefined> {
    const file = await this.find(id);
    const stream = file && (await this.#blobs.read(id, range));
    return file && stream && { file, stream };
  }

  /**
   * The file that `url` names, if it is one of this server; undefined for URLs that lead elsewhere.
   *
   * @throws SoundstageError `input` (`file_download_error`) when it is gone, or not for this user
   */
  async openUrl(url: string, { ownHosts, user }: OwnUrlOptions): Promise<OpenedFile | undefined> {
    const id = lookupFileUrl(url, ownHosts);
    if (id === undefined) return undefined;
    const file = await this.find(id);
    const signature = new URL(url).searchParams.get('identity') ?? undefined;
    const decision = file === undefined ? 'hide' : this.access(file, { user, signature });
    const opened = decision === 'allow' ? await this.open(id) : undefined;
    if (opened !== undefined) return opened;
    const reason = decision === 'forbid' ? 'may not be read with this key' : 'does not exist or has expired';
    throw new SoundstageError('input', `the file ${id} ${reason}: upload it again`, { type: 'file_download_error' });
  }

  access(file: StoredFile, { user, signature }: FileCaller): AccessDecision {
    if (signature !== undefined && this.#links.verify(file.id, signature)) return 'allow';
    return accessDecision(file, user);
  }

  async setAccess(id: string, access: AccessControl): Promise<void> {
    await this.#rows.setAccess(id, access);
  }

  /** Value of the query parameter `identity` that lets anybody read the file until then. */
  signature(id: string, expiresAt: Date): string {
    return this.#links.sign(id, expiresAt);
  }

  /** Gone for everybody at once; nothing happens where it is gone already. */
  async remove(id: string): Promise<void> {
    await this.#rows.markRemoved(id);
    await this.#sweep.purge(id);
  }

  /** Removes what a request produced, and what it reserved for that. */
  async removeOfRequest(requestId: string): Promise<void> {
    await this.#removeAll({ requestId, as: 'request_id' });
  }

  /** What is part of a request's input. */
  async inputsOf(requestId: string): Promise<readonly StoredFile[]> {
    return (await this.#rows.inputsOf(requestId)).flatMap((row) => storedFile(row) ?? []);
  }

  /** Removes what is part of a request's input. */
  async removeInputsOf(requestId: string): Promise<void> {
    await this.#removeAll({ requestId, as: 'input_of' });
  }

  /** Removes what has expired, was abandoned or was left behind. To be called now and then, by any process. */
  async sweep(now = new Date()): Promise<void> {
    await this.#sweep.run(now);
  }

  /** @throws Error while no files can be stored */
  probe(): Promise<void> {
    return this.#blobs.probe();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#blobs[Symbol.asyncDispose]();
  }

  async #removeAll(of: PartOfRequest): Promise<void> {
    await this.#rows.markRequestRemoved(of);
    await this.#sweep.purgeRemoved(of);
  }
}
