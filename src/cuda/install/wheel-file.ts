import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { SoundstageError } from '../../shared/errors.ts';
import { systemCode } from '../../shared/system-code.ts';

/** An open wheel: a zip archive that lists the hashes of its own files. Dispose to close it. */
export class WheelFile implements Disposable {
  readonly path: string;
  readonly #zip: ZipFile;
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #recorded: ReadonlyMap<string, string>;

  private constructor(
    path: string,
    zip: ZipFile,
    entries: ReadonlyMap<string, Entry>,
    recorded: ReadonlyMap<string, string>,
  ) {
    this.path = path;
    this.#zip = zip;
    this.#entries = entries;
    this.#recorded = recorded;
  }

  /** @throws SoundstageError `weights` where the file is no wheel */
  static async open(path: string): Promise<WheelFile> {
    let zip: ZipFile | undefined;
    try {
      zip = await openPromise(path, { lazyEntries: true, autoClose: false });
      const entries = new Map<string, Entry>();
      for await (const entry of zip.eachEntry()) entries.set(entry.fileName, entry);
      const record = [...entries].find(([name]) => /^[^/]+\.dist-info\/RECORD$/.test(name))?.[1];
      if (record === undefined) throw new Error('it has no RECORD');
      return new WheelFile(path, zip, entries, readRecord(await textOf(await zip.openReadStreamPromise(record))));
    } catch (cause) {
      zip?.close();
      if (systemCode(cause) !== undefined) throw cause;
      throw damaged(path, cause instanceof Error ? cause.message : String(cause), cause);
    }
  }

  /** Paths inside, of files only. */
  get files(): readonly string[] {
    return [...this.#entries.keys()].filter((name) => !name.endsWith('/'));
  }

  sizeOf(file: string): number {
    return this.#entryOf(file).uncompressedSize;
  }

  /**
   * Writes a file out, and compares it with the hash that the wheel has for it.
   *
   * @throws SoundstageError `weights` where it is another; what was written is of no use then
   */
  async extract(file: string, target: string, signal?: AbortSignal): Promise<void> {
    const hash = await this.#write(file, createWriteStream(target, { flags: 'wx' }), signal);
    if (this.#recorded.get(file) !== hash)
      throw damaged(this.path, `the hash of ${basename(file)} is not the one in its RECORD`);
  }

  /** Content of a file as it is unpacked, piece by piece. */
  async read(file: string): Promise<Readable> {
    return await this.#zip.openReadStreamPromise(this.#entryOf(file));
  }

  /** @returns SHA-256 in URL-safe base64 without padding, as a wheel's record has it */
  async #write(file: string, output: NodeJS.WritableStream, signal: AbortSignal | undefined): Promise<string> {
    const hash = createHash('sha256');
    try {
      const measured = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
        for await (const chunk of chunks) {
          hash.update(chunk);
          yield chunk;
        }
      };
      await pipeline(await this.read(file), measured, output, signal === undefined ? {} : { signal });
    } catch (error) {
      if (signal?.aborted || systemCode(error) !== undefined) throw error;
      throw damaged(this.path, error instanceof Error ? error.message : String(error), error);
    }
    return hash.digest('base64url');
  }

  #entryOf(file: string): Entry {
    const entry = this.#entries.get(file);
    if (entry === undefined) throw damaged(this.path, `it lacks ${file}`);
    return entry;
  }

  [Symbol.dispose](): void {
    this.#zip.close();
  }
}

/** Lines of `path,sha256=hash,size`. */
function readRecord(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\n').map((line) => /^"?(.+?)"?,sha256=([\w-]+),\d+\s*$/.exec(line));
  return new Map(lines.flatMap((line) => (line === null ? [] : [[line[1] ?? '', line[2] ?? '']])));
}

async function textOf(stream: Readable): Promise<string> {
  return Buffer.concat(await stream.toArray()).toString('utf8');
}

function damaged(path: string, reason: string, cause?: unknown): SoundstageError {
  return new SoundstageError('weights', `${basename(path)} is damaged or no wheel: ${reason}; fetch it again`, {
    cause,
  });
}
