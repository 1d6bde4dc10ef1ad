import type { Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { contentHash, hashFile } from './content-hash.ts';

interface Expected {
  readonly etag: string;
  readonly size: number;
}

/** A file that is being downloaded, with the running hash of what it holds. Dispose to close it; it stays on disk. */
export class PartialFile implements AsyncDisposable {
  readonly #path: string;
  readonly #expected: Expected;
  readonly #handle: FileHandle;
  #hash: Hash;
  #size = 0;

  private constructor(path: string, expected: Expected, handle: FileHandle) {
    this.#path = path;
    this.#expected = expected;
    this.#handle = handle;
    this.#hash = contentHash(expected.etag, expected.size);
  }

  /** Opens or creates the file at `path`; bytes that an earlier download left are hashed again, not fetched again. */
  static async open(path: string, expected: Expected, signal?: AbortSignal): Promise<PartialFile> {
    await mkdir(dirname(path), { recursive: true });
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o644);
    const file = new PartialFile(path, expected, handle);
    try {
      const { size } = await handle.stat();
      if (size > expected.size) await file.restart();
      else if (size > 0) await hashFile(path, file.#hash, { signal, onBytes: (bytes) => file.#resume(bytes) });
    } catch (error) {
      await handle.close();
      throw error;
    }
    return file;
  }

  /** Bytes held. */
  get size(): number {
    return this.#size;
  }

  async append(chunk: Uint8Array): Promise<void> {
    for (let written = 0; written < chunk.length; ) {
      const { bytesWritten } = await this.#handle.write(chunk, written, chunk.length - written, this.#size + written);
      written += bytesWritten;
    }
    this.#hash.update(chunk);
    this.#size += chunk.length;
  }

  async restart(): Promise<void> {
    await this.#handle.truncate(0);
    this.#hash = contentHash(this.#expected.etag, this.#expected.size);
    this.#size = 0;
  }

  /** Hash of the bytes held, 40 or 64 hex digits. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }

  /** Gives the complete file its final name; on disk for good before the name is there. */
  async moveTo(path: string): Promise<void> {
    await this.#handle.datasync();
    await rename(this.#path, path);
  }

  async discard(): Promise<void> {
    await rm(this.#path, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  #resume(bytes: number): void {
    this.#size = bytes;
  }
}
