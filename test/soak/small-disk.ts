import { execFile } from 'node:child_process';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const size = 2 ** 30;

/** A disk in memory that can be filled to the last byte; only root may make one. Dispose to remove it. */
export class SmallDisk implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Undefined where that is not allowed. */
  static async mount(folder: string): Promise<SmallDisk | undefined> {
    await mkdir(folder, { recursive: true });
    try {
      await execute('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'soundstage-soak', folder]);
    } catch {
      return undefined;
    }
    return new SmallDisk(folder);
  }

  async fill(): Promise<void> {
    await using ballast = await open(this.#ballast, 'w');
    const zeros = Buffer.alloc(2 ** 20);
    // The last bytes one by one, or there would be room for small files.
    for (let piece: Buffer = zeros; piece.length > 0; ) {
      try {
        await ballast.appendFile(piece);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        piece = piece.subarray(0, Math.floor(piece.length / 2));
      }
    }
  }

  async free(): Promise<void> {
    await rm(this.#ballast, { force: true });
  }

  get #ballast(): string {
    return join(this.folder, 'ballast');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await execute('umount', ['--lazy', this.folder]);
  }
}
