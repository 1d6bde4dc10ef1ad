import type { ClipFiles } from '../contract/clip-settings.ts';
import type { Fetcher } from '../fetching/fetcher.ts';
import type { FileStore } from '../files/file-store.ts';
import type { WeightSet } from '../models/weight-folder.ts';
import type { LoraChoice } from '../pipeline/clip-settings.ts';
import type { ClipMakerContext, ClipRequest } from './clip-maker.ts';
import { ownFilesOf } from './own-files.ts';

/** Files of one clip; dispose when it is made, so that LoRAs may leave the cache. */
export interface FetchedInputs extends AsyncDisposable {
  readonly files: ClipFiles;
}

export interface InputSources {
  readonly fetcher: Fetcher;
  readonly files: FileStore;
  readonly weights: WeightSet;
}

/**
 * Brings everything that a request names to this machine.
 *
 * @throws SoundstageError `input` naming the field, `device` (disk full), `cancelled`
 */
export async function fetchInputs(
  request: ClipRequest,
  { fetcher, files, weights }: InputSources,
  { folder, signal, log }: ClipMakerContext,
): Promise<FetchedInputs> {
  const { input } = request;
  const findOwnFile = ownFilesOf(request, files);
  await using leases = new AsyncDisposableStack();
  const fetch = (reference: string | undefined, field: string): Promise<string | undefined> =>
    reference === undefined
      ? Promise.resolve(undefined)
      : fetcher.input(reference, { folder, field, findOwnFile, signal });
  const loras: LoraChoice[] = [];
  const included = weights.loras;
  log('INFO', 'fetching inputs');
  const audio = await fetcher.input(input.audio_url, { folder, field: 'audio_url', findOwnFile, signal });
  const image = await fetch(input.image_url, 'image_url');
  const endImage = await fetch(input.end_image_url, 'end_image_url');
  for (const [index, reference] of input.loras.entries()) {
    if (reference.path === '') continue;
    const onFetch = (state: 'fetching' | 'waiting', bytes?: number): void =>
      log('INFO', loraMessage(index, state, bytes));
    const lora = leases.use(await fetcher.lora(reference, index, { findOwnFile, signal, onFetch, included }));
    loras.push({ path: lora.path, scale: lora.scale, field: `loras.${index}.path` });
  }
  const cameraLora = input.camera_lora === 'none' ? undefined : weights.cameraLoras[input.camera_lora];
  const held = leases.move();
  return { files: { audio, image, endImage, cameraLora, loras }, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

function loraMessage(index: number, state: 'fetching' | 'waiting', bytes: number | undefined): string {
  const size = bytes === undefined ? '' : ` (${(bytes / 1e6).toFixed(1)} MB)`;
  return state === 'fetching' ? `fetching LoRA ${index + 1}${size}` : `LoRA ${index + 1} is being fetched already`;
}
