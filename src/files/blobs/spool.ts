import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SoundstageError } from '../../shared/errors.ts';
import type { ByteSource, WrittenBlob } from './blob-store.ts';

/** A complete file on its way to its place; deleted on disposal unless it was moved. */
export interface SpooledFile extends WrittenBlob, AsyncDisposable {
  readonly path: string;
}

/** A folder of files that are still arriving, so that only complete ones reach their place. */
export class Spool {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** A path that nothing else uses. */
  async newPath(): Promise<string> {
    await mkdir(this.folder, { recursive: true });
    return join(this.folder, randomUUID());
  }

  /**
   * Writes what `source` yields to disk, flushed; nothing stays when it throws. The etag is the MD5.
   *
   * @throws SoundstageError `input` (`file_too_large`) past `limit` bytes, `device` when the disk is full
   */
  async receive(source: ByteSource, limit: number): Promise<SpooledFile> {
    const path = await this.newPath();
    try {
      await using handle = await open(path, 'wx', 0o600);
      const written = await writeAll(handle, source, limit);
      await handle.datasync();
      return { ...written, path, [Symbol.asyncDispose]: () => rm(path, { force: true }) };
    } catch (error) {
      await rm(path, { force: true });
      throw diskFailure(error);
    }
  }

  /** Removes files that nobody has written to since `before`. */
  async sweep(before: Date): Promise<void> {
    await removeStale(this.folder, before);
  }
}

async function writeAll(handle: FileHandle, source: ByteSource, limit: number): Promise<WrittenBlob> {
  const hash = createHash('md5');
  let size = 0;
  for await (const chunk of source) {
    if (size + chunk.length > limit) throw fileTooLarge(limit);
    for (let done = 0; done < chunk.length; ) {
      const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, size + done);
      done += bytesWritten;
    }
    hash.update(chunk);
    size += chunk.length;
  }
  return { size, etag: hash.digest('hex') };
}

/** Size and etag of a file that is on disk already. */
export async function fileEtag(path: string): Promise<WrittenBlob> {
  const hash = createHash('md5');
  let size = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { size, etag: hash.digest('hex') };
}

/** Removes the entries of `folder` that have not changed since `before`. */
export async function removeStale(folder: string, before: Date): Promise<void> {
  for (const name of await entries(folder)) {
    const path = join(folder, name);
    const { mtime } = await stat(path).catch(ignoreAbsent({ mtime: new Date() }));
    if (mtime < before) await rm(path, { force: true, recursive: true });
  }
}

/** Names in `folder`; none when it is absent. */
export function entries(folder: string): Promise<string[]> {
  return readdir(folder).catch(ignoreAbsent<string[]>([]));
}

/** For `catch`: `otherwise` where the file does not exist. */
export function ignoreAbsent<T>(otherwise: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return otherwise;
    throw error;
  };
}

export function fileTooLarge(limit: number): SoundstageError {
  return new SoundstageError('input', `the file is larger than ${limit} bytes, the most that is accepted`, {
    type: 'file_too_large',
    context: { max_size: limit },
  });
}

/** Says what to do about a full disk; other errors are returned as they are. */
export function diskFailure(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new SoundstageError('device', 'the disk of the files is full: free some space and try again', {
    cause: error,
  });
}
