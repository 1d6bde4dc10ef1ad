import { setTimeout as sleep } from 'node:timers/promises';
import { SoundstageError } from '../../shared/errors.ts';
import { tryLockFile } from '../../shared/folders/file-lock.ts';
import { errorCode } from '../../shared/system-code.ts';
import { fileSize } from './cache.ts';
import { connectionError } from './client.ts';
import { PartialFile } from './partial-file.ts';
import { downloadCancelled, type RetryPolicy, retrying, TransientError } from './retry.ts';
import { Watchdog } from './watchdog.ts';

type TransferState = 'waiting' | 'checking' | 'downloading' | 'done';

export interface TransferOptions {
  readonly retry: RetryPolicy;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((state: TransferState, bytes?: number) => void) | undefined;
}

/** A file whose content is known before it is fetched. */
export interface ExpectedFile {
  /** Its name in messages. */
  readonly title: string;
  /** Bytes. */
  readonly size: number;
  /** 64 hex digits: SHA-256 of the content. 40 hex digits: git's SHA-1 of it. */
  readonly etag: string;
  /**
   * Opens the content from byte `from`; the answer is 206, or 200 where the server ignores ranges.
   *
   * @throws TransientError where another try may succeed, SoundstageError where none will
   */
  readonly open: (from: number, signal: AbortSignal) => Promise<Response>;
}

export interface TransferPaths {
  /** Named in messages about the disk. */
  readonly folder: string;
  readonly target: string;
  /** Where the file grows; it stays there when the transfer is interrupted. */
  readonly partial: string;
  readonly lock: string;
}

/**
 * Puts a verified file at `target`, going on from what an earlier try left; of several processes one fetches, the others
 * wait for it.
 *
 * @throws SoundstageError `network` (connection, access, damaged twice), `device` (disk), `cancelled` (the partial file
 *   stays for the next try)
 */
export async function fetchVerified(
  file: ExpectedFile,
  { folder, target, partial: path, lock }: TransferPaths,
  options: TransferOptions,
): Promise<void> {
  const { signal, onProgress } = options;
  try {
    using _lock = await lockFile(lock, { signal, onWait: () => onProgress?.('waiting') });
    // Another process may have finished it while this one waited. One of the wrong size is damaged.
    if ((await fileSize(target)) !== file.size) {
      onProgress?.('checking');
      await using partial = await PartialFile.open(path, file, signal);
      await receiveVerified(file, partial, options);
      await partial.moveTo(target);
    }
    onProgress?.('done', file.size);
  } catch (error) {
    if (signal?.aborted) throw downloadCancelled(error);
    throw storageError(error, folder);
  }
}

async function receiveVerified(file: ExpectedFile, partial: PartialFile, options: TransferOptions): Promise<void> {
  for (let round = 1; ; round++) {
    await retrying(
      `fetching ${file.title}`,
      options.retry,
      options.signal,
      () => receive(file, partial, options),
      () => partial.size,
    );
    const digest = partial.digest();
    if (partial.size === file.size && digest === file.etag) return;
    await partial.restart();
    if (round < 2) continue;
    await partial.discard();
    throw new SoundstageError(
      'network',
      `${file.title} arrived damaged twice (hash ${digest.slice(0, 12)} instead of ${file.etag.slice(0, 12)}): look for a proxy or mirror that alters files, or try again later`,
    );
  }
}

/** One connection: appends what the server sends, and throws a TransientError if it ends too early. */
async function receive(
  file: ExpectedFile,
  partial: PartialFile,
  { retry, signal, onProgress }: TransferOptions,
): Promise<void> {
  onProgress?.('downloading', partial.size);
  if (partial.size === file.size) return;
  using watchdog = new Watchdog(retry.stallTimeout, signal);
  const response = await file.open(partial.size, watchdog.signal).catch(async (error: unknown) => {
    if (error instanceof TransientError && error.status === 416) await partial.restart();
    throw error;
  });
  await alignWith(response, partial);
  try {
    for await (const chunk of response.body ?? []) {
      await partial.append(chunk);
      watchdog.touch();
      onProgress?.('downloading', partial.size);
      // Too many bytes: the hash will not match, and there is no use in receiving more.
      if (partial.size > file.size) return;
    }
  } catch (error) {
    if (error instanceof Error && 'syscall' in error && error.syscall === 'write') throw error;
    throw connectionError(error, watchdog.signal, new URL(response.url).host);
  }
  if (partial.size < file.size) throw new TransientError('the connection ended early');
}

/** Makes `partial` end where the body of `response` begins. */
async function alignWith(response: Response, partial: PartialFile): Promise<void> {
  if (partial.size === 0) return;
  if (response.status === 200) return partial.restart();
  const start = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
  if (start !== undefined && Number(start) === partial.size) return;
  await response.body?.cancel();
  await partial.restart();
  throw new TransientError('the server sent another part of the file than asked for');
}

/** What the system says about a disk, in words; anything else as it is. */
export function storageError(error: unknown, folder: string): unknown {
  const code = errorCode(error);
  if (error instanceof SoundstageError || code === undefined) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new SoundstageError(
      'device',
      `the disk of ${folder} is full: free some space or choose another cache folder`,
      {
        cause: error,
      },
    );
  }
  return new SoundstageError(
    'device',
    `cannot write to ${folder} (${code}): make it writable or choose another cache folder`,
    {
      cause: error,
    },
  );
}

const pollMilliseconds = 200;

interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once if somebody else holds the lock. */
  readonly onWait?: (() => void) | undefined;
}

/** Waits for and takes the lock of `tryLockFile` on the file `path`. */
export async function lockFile(path: string, { signal, onWait }: LockOptions = {}): Promise<Disposable> {
  for (let waits = 0; ; waits++) {
    if (signal?.aborted) throw downloadCancelled();
    const lock = await tryLockFile(path);
    if (lock !== undefined) return lock;
    if (waits === 0) onWait?.();
    await sleep(pollMilliseconds);
  }
}
