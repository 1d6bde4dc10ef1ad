import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { probeFolder } from '../../shared/folders/folder-probe.ts';
import { checkKey, isKey, joinedEtag } from './blob-key.ts';
import type { BlobPart, BlobStore, ByteRange, ByteSource, WriteOptions, WrittenBlob } from './blob-store.ts';
import { s3ErrorName, s3Failure } from './s3-failure.ts';
import { fileEtag, Spool, type SpooledFile } from './spool.ts';

export interface S3BlobStoreOptions {
  readonly bucket: string;
  /** Of a store other than AWS; buckets are then part of the path, not of the host. */
  readonly endpoint?: string | undefined;
  readonly region: string;
  /** Local folder where bodies are collected before they are sent on. */
  readonly spool: string;
  /** Files above this size (bytes) are sent in parts of it; at least 5 MiB (S3's smallest part). */
  readonly partBytes?: number | undefined;
}

const prefix = 'files/';
const defaultPartBytes = 64 * 2 ** 20;
/** S3 takes 10,000 parts. */
const maxParts = 10_000;

/**
 * Blobs in a bucket of any S3-compatible store, under `files/`. Credentials come from the standard AWS variables and
 * files.
 *
 * What arrives is collected on disk first, so that the store only ever sees complete bodies of known length.
 */
export class S3BlobStore implements BlobStore {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #spool: Spool;
  readonly #partBytes: number;

  constructor({ bucket, endpoint, region, spool, partBytes = defaultPartBytes }: S3BlobStoreOptions) {
    this.#bucket = bucket;
    this.#spool = new Spool(spool);
    this.#partBytes = partBytes;
    this.#client = new S3Client({
      region,
      ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
      // Other stores do not all know the newer checksums.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  }

  /** @throws SoundstageError `network` when the bucket is absent or may not be used */
  async check(): Promise<void> {
    await this.#asking(() => this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket })));
  }

  async write(key: string, source: ByteSource, { limit, ready }: WriteOptions): Promise<WrittenBlob> {
    checkKey(key);
    await using file = await this.#spool.receive(source, limit);
    const { size, etag } = file;
    if ((await ready?.()) !== false) await this.#send(key, file);
    return { size, etag };
  }

  async place(key: string, path: string): Promise<WrittenBlob> {
    checkKey(key);
    const written = await fileEtag(path);
    await this.#send(key, { path, size: written.size });
    await rm(path);
    return written;
  }

  async read(key: string, range?: ByteRange): Promise<Readable | undefined> {
    const Range = range === undefined ? undefined : `bytes=${range.start}-${range.end}`;
    const command = new GetObjectCommand({ ...this.#object(key), Range });
    try {
      const { Body } = await this.#asking(() => this.#client.send(command));
      if (!(Body instanceof Readable)) throw new Error('the store answered without a body');
      return Body;
    } catch (error) {
      if (s3ErrorName(error) === 'NoSuchKey') return undefined;
      throw error;
    }
  }

  async remove(key: string): Promise<void> {
    const command = new DeleteObjectCommand(this.#object(key));
    await this.#asking(() => this.#client.send(command));
  }

  async startParts(key: string): Promise<string> {
    const command = new CreateMultipartUploadCommand(this.#object(key));
    const { UploadId } = await this.#asking(() => this.#client.send(command));
    if (UploadId === undefined) throw new Error('the store named no upload');
    return UploadId;
  }

  async writePart(
    key: string,
    upload: string,
    number: number,
    source: ByteSource,
    limit: number,
  ): Promise<WrittenBlob> {
    await using file = await this.#spool.receive(source, limit);
    return { size: file.size, etag: await this.#sendPart(key, upload, number, file, 0, file.size) };
  }

  /** The store has replaced it. */
  async dropPart(): Promise<void> {}

  async completeParts(key: string, upload: string, parts: readonly BlobPart[]): Promise<WrittenBlob> {
    const command = new CompleteMultipartUploadCommand({
      ...this.#object(key),
      UploadId: upload,
      MultipartUpload: { Parts: parts.map(({ partNumber, etag }) => ({ PartNumber: partNumber, ETag: `"${etag}"` })) },
    });
    const { ETag } = await this.#asking(() => this.#client.send(command));
    const size = parts.reduce((sum, part) => sum + part.size, 0);
    return { size, etag: ETag === undefined ? joinedEtag(parts) : unquoted(ETag) };
  }

  async abortParts(key: string, upload: string): Promise<void> {
    const command = new AbortMultipartUploadCommand({ ...this.#object(key), UploadId: upload });
    try {
      await this.#client.send(command);
    } catch (error) {
      if (s3ErrorName(error) !== 'NoSuchUpload') throw s3Failure(error, this.#bucket);
    }
  }

  async *list(before: Date): AsyncIterable<string> {
    const pages = paginateListObjectsV2({ client: this.#client }, { Bucket: this.#bucket, Prefix: prefix });
    for await (const { Contents = [] } of pages) {
      for (const { Key = '', LastModified = new Date() } of Contents) {
        const key = Key.slice(Key.lastIndexOf('/') + 1);
        if (LastModified < before && isKey(key)) yield key;
      }
    }
  }

  async sweepUnfinished(before: Date): Promise<void> {
    await this.#spool.sweep(before);
    // Aborted ones are no longer listed, so the first page moves on by itself.
    for (let stale = await this.#staleUploads(before); stale.length > 0; stale = await this.#staleUploads(before)) {
      for (const { key, upload } of stale) await this.abortParts(key, upload);
    }
  }

  async probe(): Promise<void> {
    await mkdir(this.#spool.folder, { recursive: true });
    await probeFolder(this.#spool.folder);
    const object = { Bucket: this.#bucket, Key: `${prefix}probe-${randomUUID()}` };
    await this.#asking(() => this.#client.send(new PutObjectCommand({ ...object, Body: 'probe' })));
    await this.#asking(() => this.#client.send(new DeleteObjectCommand(object)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy();
  }

  async #staleUploads(before: Date): Promise<{ key: string; upload: string }[]> {
    const command = new ListMultipartUploadsCommand({ Bucket: this.#bucket, Prefix: prefix });
    const { Uploads = [] } = await this.#asking(() => this.#client.send(command));
    return Uploads.flatMap(({ Key = '', UploadId, Initiated = new Date() }) => {
      const key = Key.slice(Key.lastIndexOf('/') + 1);
      return UploadId !== undefined && Initiated < before && isKey(key) ? [{ key, upload: UploadId }] : [];
    });
  }

  async #send(key: string, file: Pick<SpooledFile, 'path' | 'size'>): Promise<void> {
    if (file.size > this.#partBytes) return this.#sendInParts(key, file);
    const Body = createReadStream(file.path);
    try {
      const command = new PutObjectCommand({ ...this.#object(key), Body, ContentLength: file.size });
      await this.#asking(() => this.#client.send(command));
    } finally {
      Body.destroy();
    }
  }

  async #sendInParts(key: string, file: Pick<SpooledFile, 'path' | 'size'>): Promise<void> {
    const upload = await this.startParts(key);
    try {
      const step = Math.max(this.#partBytes, Math.ceil(file.size / maxParts));
      const parts: BlobPart[] = [];
      for (let start = 0; start < file.size; start += step) {
        const size = Math.min(step, file.size - start);
        const partNumber = parts.length + 1;
        parts.push({ partNumber, size, etag: await this.#sendPart(key, upload, partNumber, file, start, size) });
      }
      await this.completeParts(key, upload, parts);
    } catch (error) {
      await this.abortParts(key, upload);
      throw error;
    }
  }

  async #sendPart(
    key: string,
    upload: string,
    partNumber: number,
    file: Pick<SpooledFile, 'path'>,
    start: number,
    size: number,
  ): Promise<string> {
    const Body = size === 0 ? Readable.from([]) : createReadStream(file.path, { start, end: start + size - 1 });
    const part = { ...this.#object(key), UploadId: upload, PartNumber: partNumber, ContentLength: size };
    try {
      const { ETag } = await this.#asking(() => this.#client.send(new UploadPartCommand({ ...part, Body })));
      if (ETag === undefined) throw new Error('the store returned no ETag for a part');
      return unquoted(ETag);
    } finally {
      Body.destroy();
    }
  }

  #object(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: `${prefix}${checkKey(key).slice(0, 2)}/${key}` };
  }

  async #asking<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      throw s3Failure(error, this.#bucket);
    }
  }
}

function unquoted(etag: string): string {
  return etag.replace(/^"|"$/g, '');
}
