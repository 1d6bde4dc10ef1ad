import { resolve } from 'node:path';
import type { FilmInput } from '../contract/film/film-schema.ts';
import type { FilmFiles, FilmStudio } from '../film/make-film.ts';
import { filmCameras } from '../film/part-clip.ts';
import { fetchInputs } from '../jobs/making/fetch-inputs.ts';
import { resolveWeights } from '../models/resolve-weights.ts';
import { isAddress, type LocalFirst } from './local-first.ts';
import type { Studio } from './make-clip.ts';

export interface FilmFetching {
  /** Where files go that are fetched. */
  readonly folder: string;
  readonly signal?: AbortSignal | undefined;
  /** Decisions the user should hear about. */
  readonly onNote?: ((note: string) => void) | undefined;
}

/** The input with paths that hold in any folder: a film can be gone on with from another one. */
export function withAbsolutePaths(input: FilmInput): FilmInput {
  const absolute = (name: string): string => (isAddress(name) ? name : resolve(name));
  const { audio_url: audio, image_url: image, anchor_url: anchor } = input;
  return {
    ...input,
    audio_url: absolute(audio),
    ...(image !== undefined && { image_url: absolute(image) }),
    ...(anchor !== undefined && { anchor_url: absolute(anchor) }),
  };
}

/** Brings what all parts of a film are made from to this machine. @throws SoundstageError `input` naming the field */
export async function filmFiles(
  input: FilmInput,
  names: LocalFirst,
  { folder, signal }: FilmFetching,
): Promise<FilmFiles> {
  await names.requireImages(input);
  const { audio_url: audio, anchor_url: anchor } = input;
  return {
    audio: await names.input(audio, { folder, field: 'audio_url', signal }),
    anchor: anchor === undefined ? undefined : await names.input(anchor, { folder, field: 'anchor_url', signal }),
  };
}

/** What the parts of a film are made with. @throws SoundstageError `weights`, `device` */
export async function filmStudio(
  input: FilmInput,
  { model, device, services, checker, names }: Studio,
  { folder, signal, onNote }: FilmFetching,
): Promise<FilmStudio> {
  const weights = await resolveWeights(model, { cameras: filmCameras(input) });
  const context = { folder, ...(signal && { signal }), log: (_level: string, message: string) => onNote?.(message) };
  return {
    model,
    weights,
    services,
    device: await device.get(),
    inspector: checker,
    files: async (part) => {
      await names.requireFiles(part, weights);
      return await fetchInputs(part, { fetcher: names, weights }, context);
    },
  };
}
