import type { ClipFiles } from '../../contract/input/clip-settings.ts';
import type { Input } from '../../contract/input/input.ts';
import { downloadError } from '../../fetching/download-error.ts';
import type { Fetcher } from '../../fetching/fetcher.ts';
import type { FindOwnFile } from '../../fetching/own-file.ts';
import { timeLimit } from '../../fetching/time-limit.ts';
import type { FileStore } from '../../files/file-store.ts';
import type { WeightSet } from '../../models/weight-folder.ts';
import type { LoraChoice } from '../../pipeline/plan/plan.ts';
import { SoundstageError } from '../../shared/errors.ts';
import type { ClipMakerContext, ClipRequest } from '../clip-maker.ts';

/** Files of one clip; dispose when it is made, so that LoRAs may leave the cache. */
export interface FetchedInputs extends AsyncDisposable {
  readonly files: ClipFiles;
}

export interface InputSources {
  readonly fetcher: Pick<Fetcher, 'timeout' | 'input' | 'lora'>;
  /** Absent where there is no store. */
  readonly findOwnFile?: FindOwnFile | undefined;
  readonly weights: WeightSet;
}

/**
 * Brings everything that a request names to this machine.
 *
 * @throws SoundstageError `input` naming the field, `device` (disk full), `cancelled`
 */
export async function fetchInputs(
  input: Input,
  sources: InputSources,
  { folder, signal: outer, log }: Pick<ClipMakerContext, 'folder' | 'log'> & Partial<Pick<ClipMakerContext, 'signal'>>,
): Promise<FetchedInputs> {
  const { timeout } = sources.fetcher;
  // One limit for all of them: a request with many would have many times as long otherwise.
  const limit = timeLimit(timeout, outer);
  let current = 'audio_url';
  const onField = (field: string): void => {
    current = field;
  };
  try {
    return await fetchAll(input, sources, { folder, signal: limit.signal, log, onField });
  } catch (error) {
    if (limit.ended() !== 'timeout') throw error;
    const reason = `the inputs of the request, all together, took longer than ${timeout / 1000} s`;
    throw downloadError({ field: current }, reason, error);
  }
}

interface FetchContext extends Pick<ClipMakerContext, 'folder' | 'signal' | 'log'> {
  /** Told which one is fetched next. */
  readonly onField: (field: string) => void;
}

async function fetchAll(
  input: Input,
  { fetcher, findOwnFile, weights }: InputSources,
  { folder, signal, log, onField }: FetchContext,
): Promise<FetchedInputs> {
  await using leases = new AsyncDisposableStack();
  const fetch = (reference: string, field: string): Promise<string> => {
    onField(field);
    return fetcher.input(reference, { folder, field, findOwnFile, signal });
  };
  const loras: LoraChoice[] = [];
  const included = weights.loras;
  const audio = await fetch(input.audio_url, 'audio_url');
  const image = input.image_url === undefined ? undefined : await fetch(input.image_url, 'image_url');
  const endImage = input.end_image_url === undefined ? undefined : await fetch(input.end_image_url, 'end_image_url');
  for (const [index, reference] of (input.loras ?? []).entries()) {
    if (reference.path === '') continue;
    const field = `loras.${index}.path`;
    onField(field);
    const onFetch = (state: 'fetching' | 'waiting', bytes?: number): void =>
      log('INFO', loraMessage(index, state, bytes));
    const lora = leases.use(await fetcher.lora(reference, index, { findOwnFile, signal, onFetch, included }));
    loras.push({ path: lora.path, scale: lora.scale, field });
  }
  const cameraLora = input.camera_lora === 'none' ? undefined : weights.cameraLoras[input.camera_lora];
  const held = leases.move();
  return { files: { audio, image, endImage, cameraLora, loras }, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

function loraMessage(index: number, state: 'fetching' | 'waiting', bytes: number | undefined): string {
  const size = bytes === undefined ? '' : ` (${(bytes / 1e6).toFixed(1)} MB)`;
  return state === 'fetching' ? `fetching LoRA ${index + 1}${size}` : `LoRA ${index + 1} is being fetched already`;
}

/** Finds the files of this server that a request names by their address, as far as its owner may read them. */
export function ownFilesOf({ owner, caller }: Pick<ClipRequest, 'owner' | 'caller'>, files: FileStore): FindOwnFile {
  return async (url) => {
    const opened = await files.openUrl(url, { ownHosts: caller.ownHosts, user: owner });
    if (opened === undefined) return undefined;
    opened.stream.destroy();
    const { id, etag, size } = opened.file;
    const open = async (): Promise<AsyncIterable<Uint8Array>> => {
      const again = await files.open(id);
      if (again !== undefined) return again.stream;
      throw new SoundstageError('input', `the file ${id} has just expired: upload it again`, {
        type: 'file_download_error',
      });
    };
    return { identity: `${id}-${etag}`, size, open };
  };
}
