import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { mkdir, readdir, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileSize } from '../../models/hub/cache.ts';
import { cancelled } from '../../shared/cancellation.ts';
import { tryLock } from '../../shared/folders/file-lock.ts';
import { errorCode } from '../../shared/system-code.ts';
import { type KnownSource, LoraIndex } from './lora-index.ts';

const pollMilliseconds = 200;
const dayMilliseconds = 86_400_000;

export interface LoraCacheOptions {
  /** On a local disk; made if absent. */
  readonly folder: string;
  /** Bytes; files in use are kept even beyond. */
  readonly maxBytes: number;
}

/** A LoRA file that stays where it is until disposed. */
export interface LoraLease extends Disposable {
  readonly path: string;
}

/** The right to fetch one source, which nobody else has meanwhile, and a folder to do it in. */
export interface LoraDownload extends AsyncDisposable {
  /** Of the source. */
  readonly key: string;
  /** Removed when disposed, unless kept. */
  readonly folder: string;
  /** Leave what is in the folder for the next one who fetches this source. */
  keep(): void;
}

export interface WaitOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once if somebody else fetches the same. */
  readonly onWait?: (() => void) | undefined;
}

/**
 * Fetched LoRAs, named by the SHA-256 of their content, shared by all processes of the machine that use the folder:
 * `files/HASH.safetensors`, `incoming/KEY/` for what is being fetched, `locks/`, and an index.
 *
 * Locks are freed by the operating system when their holder dies. They are only opened, and their files only removed,
 * while the index is held exclusively; so nobody can hold a lock whose file is gone.
 */
export class LoraCache implements Disposable {
  readonly maxBytes: number;
  readonly #folder: string;
  readonly #index: LoraIndex;

  private constructor({ folder, maxBytes }: LoraCacheOptions) {
    this.maxBytes = maxBytes;
    this.#folder = folder;
    for (const name of ['files', 'incoming', 'locks']) mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
    this.#index = new LoraIndex(join(folder, 'index.sqlite'));
  }

  /** @throws SoundstageError `device` where the folder cannot be used */
  static async open(options: LoraCacheOptions): Promise<LoraCache> {
    const cache = new LoraCache(options);
    try {
      for (const { name, age } of await cache.#unfinished()) if (age > dayMilliseconds) await cache.#discard(name);
      for (const name of await readdir(join(options.folder, 'files'))) cache.#removeUnlisted(name);
      for (const name of await readdir(join(options.folder, 'locks'))) cache.#removeIfFree(name);
      await cache.makeRoom(0);
    } catch (error) {
      cache[Symbol.dispose]();
      throw error;
    }
    return cache;
  }

  /** The cached file with this SHA-256 (hex), or undefined where there is none. */
  lease(hash: string): LoraLease | undefined {
    return this.#index.exclusively(() => (this.#isPresent(hash) ? this.#hold(hash) : undefined));
  }

  /**
   * Takes a complete file, on the same disk, into the cache, unless that has the same content already, and notes the
   * source it is from.
   */
  publish(
    file: string,
    hash: string,
    key: string,
    { etag, lastModified, checkedAt }: Omit<KnownSource, 'hash'>,
  ): LoraLease {
    return this.#index.exclusively(() => {
      const path = this.#path(hash);
      if (!this.#isPresent(hash)) {
        renameSync(file, path);
        this.#index.add(hash, statSync(path).size);
      }
      this.#index.setSource(key, { hash, etag, lastModified, checkedAt });
      return this.#hold(hash);
    });
  }

  source(key: string): KnownSource | undefined {
    return this.#index.source(key);
  }

  /** Notes that a source still had the same content when it was asked just now. */
  confirmSource(key: string, source: KnownSource): void {
    this.#index.exclusively(() => this.#index.setSource(key, { ...source, checkedAt: Date.now() }));
  }

  /**
   * Waits until nobody else fetches the source named `key` (hex).
   *
   * @throws SoundstageError `cancelled`
   */
  async startDownload(key: string, { signal, onWait }: WaitOptions = {}): Promise<LoraDownload> {
    const lock = await this.#waitForLock(`fetch-${key}`, { signal, onWait });
    const folder = join(this.#folder, 'incoming', key);
    let kept = false;
    const dispose = async (): Promise<void> => {
      if (!kept) await rm(folder, { recursive: true, force: true });
      this.#release(`fetch-${key}`, lock);
    };
    try {
      await mkdir(folder, { recursive: true });
    } catch (error) {
      await dispose();
      throw error;
    }
    const keep = (): void => {
      kept = true;
    };
    return Object.freeze({ key, folder, keep, [Symbol.asyncDispose]: dispose });
  }

  /**
   * Removes what is left of unfinished downloads, then the least recently used files, until `bytes` more fit in and
   * on the disk. What is in use stays.
   */
  async makeRoom(bytes: number): Promise<void> {
    const unfinished = await this.#unfinished();
    const used = unfinished.reduce((sum, { size }) => sum + size, this.#index.totalSize());
    const { bavail, bsize } = await statfs(this.#folder);
    let surplus = Math.max(used + bytes - this.maxBytes, bytes - bavail * bsize);
    for (const { name, size } of unfinished) {
      if (surplus > 0 && (await this.#discard(name))) surplus -= size;
    }
    for (const { hash, size } of surplus > 0 ? this.#index.files() : []) {
      if (surplus > 0 && (await this.#evict(hash))) surplus -= size;
    }
  }

  [Symbol.dispose](): void {
    this.#index[Symbol.dispose]();
  }

  #path(hash: string): string {
    return join(this.#folder, 'files', `${hash}.safetensors`);
  }

  #lockPath(name: string): string {
    return join(this.#folder, 'locks', name);
  }

  #isPresent(hash: string): boolean {
    const size = this.#index.sizeOf(hash);
    if (size === undefined) return false;
    if (statSync(this.#path(hash), { throwIfNoEntry: false })?.size === size) return true;
    // Somebody has tidied the folder by hand.
    this.#index.remove(hash);
    return false;
  }

  #hold(hash: string): LoraLease {
    const path = this.#path(hash);
    const lock = tryLock(this.#lockPath(`use-${hash}`), 'shared');
    // Whoever locks it exclusively has the index exclusively, which is ours now.
    if (lock === undefined) throw new Error(`the lock of ${path} is held by something else`);
    this.#index.touch(hash);
    return Object.freeze({ path, [Symbol.dispose]: () => lock[Symbol.dispose]() });
  }

  async #waitForLock(name: string, { signal, onWait }: WaitOptions): Promise<Disposable> {
    for (let waits = 0; ; waits++) {
      if (signal?.aborted) throw cancelled();
      const lock = this.#index.exclusively(() => tryLock(this.#lockPath(name)));
      if (lock !== undefined) return lock;
      if (waits === 0) onWait?.();
      await sleep(pollMilliseconds);
    }
  }

  #release(name: string, lock: Disposable): void {
    this.#index.exclusively(() => {
      lock[Symbol.dispose]();
      rmSync(this.#lockPath(name), { force: true });
    });
  }

  /** What is in `incoming`, in use or not, the oldest first. */
  async #unfinished(): Promise<readonly { readonly name: string; readonly size: number; readonly age: number }[]> {
    const folder = join(this.#folder, 'incoming');
    const entries = await readdir(folder);
    const found = await Promise.all(
      entries.map(async (name) => {
        const there = await stat(join(folder, name)).catch(unlessAbsent);
        return { name, size: await treeSize(join(folder, name)), age: Date.now() - (there?.mtimeMs ?? Date.now()) };
      }),
    );
    return found.sort((a, b) => b.age - a.age);
  }

  /** Removes what an unfinished download left, unless it goes on. */
  async #discard(name: string): Promise<boolean> {
    const lock = this.#index.exclusively(() => tryLock(this.#lockPath(`fetch-${name}`)));
    if (lock === undefined) return false;
    try {
      await rm(join(this.#folder, 'incoming', name), { recursive: true, force: true });
    } finally {
      this.#release(`fetch-${name}`, lock);
    }
    return true;
  }

  async #evict(hash: string): Promise<boolean> {
    // Removing a large file takes a while, in which the others need not wait.
    const aside = `evicted-${randomUUID()}`;
    const moved = this.#index.exclusively(() => {
      const lock = tryLock(this.#lockPath(`use-${hash}`));
      if (lock === undefined) return false;
      try {
        renameSync(this.#path(hash), join(this.#folder, 'incoming', aside));
      } catch (error) {
        if (errorCode(error) !== 'ENOENT') throw error;
      } finally {
        lock[Symbol.dispose]();
      }
      rmSync(this.#lockPath(`use-${hash}`), { force: true });
      this.#index.remove(hash);
      return true;
    });
    await rm(join(this.#folder, 'incoming', aside), { force: true });
    return moved;
  }

  #removeIfFree(lockName: string): void {
    this.#index.exclusively(() => {
      const lock = tryLock(this.#lockPath(lockName));
      lock?.[Symbol.dispose]();
      if (lock !== undefined) rmSync(this.#lockPath(lockName), { force: true });
    });
  }

  /** A process may have died between the two steps of publishing. */
  #removeUnlisted(name: string): void {
    const path = join(this.#folder, 'files', name);
    this.#index.exclusively(() => {
      if (this.#index.sizeOf(name.replace(/\.safetensors$/, '')) === undefined) rmSync(path, { force: true });
    });
  }
}

async function treeSize(path: string): Promise<number> {
  const single = await fileSize(path);
  if (single !== undefined) return single;
  const names = (await readdir(path, { recursive: true }).catch(unlessAbsent)) ?? [];
  const sizes = await Promise.all(names.map((name) => fileSize(join(path, name))));
  return sizes.reduce((sum: number, size) => sum + (size ?? 0), 0);
}

/** Others may finish and remove theirs meanwhile. */
function unlessAbsent(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT') throw error;
}
