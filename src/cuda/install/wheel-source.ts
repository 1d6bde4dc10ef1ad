import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mapLimited } from '../../models/hub/parallel.ts';
import type { RetryPolicy } from '../../models/hub/retry.ts';
import { fetchVerified } from '../../models/hub/verified-transfer.ts';
import { SoundstageError } from '../../shared/errors.ts';
import { fileTrouble } from '../../shared/folders/file-trouble.ts';
import { type RemoteWheel, SimpleIndex } from './simple-index.ts';
import {
  chooseWheel,
  describeWanted,
  parseWheelName,
  requirementOf,
  type WantedPackage,
  type WheelName,
} from './wheel-name.ts';

/** A wheel that was found, and is or can be brought here. */
export interface FoundWheel extends WheelName {
  /** Bytes that are to be fetched; 0 for a file that is here. */
  readonly size: number;
  /** @returns the path of the wheel, whose hash is that of the index where it comes from one */
  fetch(options: FetchWheelOptions): Promise<string>;
}

export interface FetchWheelOptions {
  /** Where fetched wheels go. */
  readonly folder: string;
  readonly retry: RetryPolicy;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((state: 'waiting' | 'checking' | 'downloading' | 'done', bytes?: number) => void) | undefined;
}

/** Where wheels come from. */
export interface WheelSource {
  /** @throws SoundstageError `input` where one of them is not there, `network` */
  find(wanted: readonly WantedPackage[], signal?: AbortSignal): Promise<readonly FoundWheel[]>;
}

/** Packages that an index is asked about at the same time. */
const parallel = 4;

export function wheelsOfIndex(url: string, retry: RetryPolicy): WheelSource {
  const index = new SimpleIndex(url, retry);
  const find = async (each: WantedPackage, signal: AbortSignal): Promise<FoundWheel> => {
    const wheel = chooseWheel(await index.wheels(each.name, signal), each);
    if (wheel === undefined) {
      const message = `the index ${index.url} has no wheel of ${describeWanted(each)} for Linux on x64: choose another with --index-url`;
      throw new SoundstageError('input', message);
    }
    const size = wheel.size ?? (await index.sizeOf(wheel, signal));
    return { ...wheel, size, fetch: (options) => fetchWheel(index, { ...wheel, size }, options) };
  };
  return { find: (wanted, signal) => mapLimited(wanted, parallel, signal, find) };
}

export function wheelsOfFolder(folder: string): WheelSource {
  return {
    find: async (wanted) => {
      const names = await readdir(folder).catch((cause: unknown) => {
        const message = `the folder of wheels ${folder} cannot be used: ${fileTrouble(cause) ?? String(cause)}`;
        throw new SoundstageError('input', message, { cause });
      });
      const wheels = names.flatMap((name) => parseWheelName(name) ?? []);
      return wanted.map((each) => {
        const wheel = chooseWheel(wheels, each);
        if (wheel === undefined) {
          const message = `the folder ${folder} has no wheel of ${describeWanted(each)} for Linux on x64: put that of ${requirementOf(each)} there`;
          throw new SoundstageError('input', message);
        }
        return { ...wheel, size: 0, fetch: async () => join(folder, wheel.file) };
      });
    },
  };
}

async function fetchWheel(
  index: SimpleIndex,
  wheel: RemoteWheel & { readonly size: number },
  { folder, retry, signal, onProgress }: FetchWheelOptions,
): Promise<string> {
  const target = join(folder, wheel.file);
  const file = {
    title: wheel.file,
    size: wheel.size,
    etag: wheel.hash,
    open: (from: number, inner: AbortSignal) => index.open(wheel, from, inner),
  };
  const paths = { folder, target, partial: `${target}.incomplete`, lock: `${target}.lock` };
  await fetchVerified(file, paths, { retry, signal, onProgress });
  return target;
}
