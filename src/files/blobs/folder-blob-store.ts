import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { probeFolder } from '../../shared/folders/folder-probe.ts';
import { errorCode } from '../../shared/system-code.ts';
import { checkKey, isKey, joinedEtag } from './blob-key.ts';
import {
  type BlobPart,
  type BlobStore,
  type ByteRange,
  type ByteSource,
  unknownUpload,
  type WriteOptions,
  type WrittenBlob,
} from './blob-store.ts';
import { diskFailure, entries, fileEtag, ignoreAbsent, removeStale, Spool } from './spool.ts';

const uploadPattern = /^[0-9a-f-]{36}$/;
const chunkBytes = 256 * 1024;

/**
 * Blobs in a folder: `blobs/<first two digits>/<key>`. They arrive in `spool/` and `parts/`, are flushed, and get
 * their name last.
 */
export class FolderBlobStore implements BlobStore {
  readonly #folder: string;
  readonly #blobs: string;
  readonly #parts: string;
  readonly #spool: Spool;

  constructor(folder: string) {
    this.#folder = folder;
    this.#blobs = join(folder, 'blobs');
    this.#parts = join(folder, 'parts');
    this.#spool = new Spool(join(folder, 'spool'));
  }

  async write(key: string, source: ByteSource, { limit, ready }: WriteOptions): Promise<WrittenBlob> {
    const target = this.#path(key);
    await using file = await this.#spool.receive(source, limit);
    const { size, etag } = file;
    if ((await ready?.()) !== false) await moveInto(file.path, target);
    return { size, etag };
  }

  async place(key: string, path: string): Promise<WrittenBlob> {
    const target = this.#path(key);
    const written = await fileEtag(path);
    try {
      await moveInto(path, target);
    } catch (error) {
      if (errorCode(error) !== 'EXDEV') throw diskFailure(error);
      await this.#copyInto(path, target);
    }
    return written;
  }

  async read(key: string, range?: ByteRange): Promise<Readable | undefined> {
    const handle = await open(this.#path(key), 'r').catch(ignoreAbsent(undefined));
    // The stream closes the handle, also when it is destroyed early.
    return handle?.createReadStream({ ...range, highWaterMark: chunkBytes });
  }

  async remove(key: string): Promise<void> {
    await rm(this.#path(key), { force: true });
  }

  async startParts(key: string): Promise<string> {
    checkKey(key);
    const upload = randomUUID();
    await mkdir(this.#uploadFolder(upload), { recursive: true });
    return upload;
  }

  async writePart(
    _key: string,
    upload: string,
    number: number,
    source: ByteSource,
    limit: number,
  ): Promise<WrittenBlob> {
    await using file = await this.#spool.receive(source, limit);
    // The etag is part of the name: of two attempts at once, the one that the caller was told of is used.
    try {
      await rename(file.path, this.#partPath(upload, number, file.etag));
    } catch (cause) {
      if (errorCode(cause) === 'ENOENT') throw unknownUpload(undefined, cause);
      throw cause;
    }
    return { size: file.size, etag: file.etag };
  }

  async dropPart(upload: string, partNumber: number, etag: string): Promise<void> {
    await rm(this.#partPath(upload, partNumber, etag), { force: true });
  }

  async completeParts(key: string, upload: string, parts: readonly BlobPart[]): Promise<WrittenBlob> {
    const target = this.#path(key);
    const whole = await this.#spool.newPath();
    try {
      const size = await concatenate(
        whole,
        parts.map(({ partNumber, etag }) => this.#partPath(upload, partNumber, etag)),
      );
      await moveInto(whole, target);
      return { size, etag: joinedEtag(parts) };
    } catch (error) {
      await rm(whole, { force: true });
      throw diskFailure(error);
    }
  }

  async abortParts(_key: string, upload: string): Promise<void> {
    await rm(this.#uploadFolder(upload), { force: true, recursive: true });
  }

  async *list(before: Date): AsyncIterable<string> {
    for (const shard of await entries(this.#blobs)) {
      for (const key of await entries(join(this.#blobs, shard))) {
        const { mtime } = await stat(join(this.#blobs, shard, key)).catch(ignoreAbsent({ mtime: before }));
        if (mtime < before && isKey(key)) yield key;
      }
    }
  }

  async sweepUnfinished(before: Date): Promise<void> {
    await this.#spool.sweep(before);
    await removeStale(this.#parts, before);
  }

  async probe(): Promise<void> {
    // Not what they are in, which was there when the server started.
    for (const folder of [this.#folder, this.#spool.folder, this.#blobs]) await mkdir(folder).catch(ignoreExisting);
    await probeFolder(this.#spool.folder);
    await probeFolder(this.#blobs);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #copyInto(path: string, target: string): Promise<void> {
    const copy = await this.#spool.newPath();
    try {
      await copyFile(path, copy);
      await moveInto(copy, target);
      await rm(path);
    } catch (error) {
      await rm(copy, { force: true });
      throw diskFailure(error);
    }
  }

  #path(key: string): string {
    return join(this.#blobs, checkKey(key).slice(0, 2), key);
  }

  #partPath(upload: string, partNumber: number, etag: string): string {
    return join(this.#uploadFolder(upload), `${partNumber}-${etag}`);
  }

  #uploadFolder(upload: string): string {
    if (!uploadPattern.test(upload)) throw new Error(`not the name of an upload: ${upload}`);
    return join(this.#parts, upload);
  }
}

/** Renames within a file system, on disk for good before and after. */
async function moveInto(path: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  // Flushing needs the right to write on Windows.
  await flush(path, 'r+');
  await rename(path, target);
  // Windows has no handle on a folder that could be flushed.
  if (process.platform !== 'win32') await flush(dirname(target));
}

async function flush(path: string, flags = 'r'): Promise<void> {
  await using handle = await open(path, flags);
  await handle.sync();
}

/** Writes the files one after the other into the new file `path`; returns its size. */
async function concatenate(path: string, sources: readonly string[]): Promise<number> {
  await using whole = await open(path, 'wx', 0o600);
  for (const source of sources) await whole.appendFile(createReadStream(source, { highWaterMark: chunkBytes }));
  const { size } = await whole.stat();
  return size;
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
