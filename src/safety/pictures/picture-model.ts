import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HubOptions } from '../../models/hub/settings.ts';
import { findSafetyModel, resolveSafetyModel } from '../../models/safety-model.ts';

/** A picture model on disk. */
export interface PictureModel {
  readonly kind: 'embedded' | 'folder';
  /** File of the embedded one, otherwise a folder in Hugging Face layout. */
  readonly path: string;
  /** Probability of explicit content from which on a picture is refused. */
  readonly threshold: number;
}

const embedded: PictureModel = Object.freeze({
  kind: 'embedded',
  path: fileURLToPath(new URL('../../../models/safety/nsfw-mobilenet-v2.safetensors', import.meta.url)),
  // Its false alarms on ordinary photographs are known to reach 0.9; noise and drawings stay far below.
  threshold: 0.9,
});

/** Of two classes the likelier one decides, as the model's card has it. */
const folderThreshold = 0.5;

/**
 * Finds the picture model: `embedded`, `hub` (must have been fetched), `auto` (the hub's where it has been fetched,
 * otherwise the embedded one), or a folder with a ViT classifier of the user's own.
 *
 * @throws SoundstageError `weights` if `hub` has not been fetched
 */
export async function choosePictureModel(choice: string, options: HubOptions = {}): Promise<PictureModel> {
  if (choice === 'embedded') return embedded;
  const isFolder = choice !== 'hub' && choice !== 'auto';
  const path = isFolder
    ? resolve(choice)
    : choice === 'hub'
      ? await resolveSafetyModel(options)
      : await findSafetyModel(options);
  return path === undefined ? embedded : Object.freeze({ kind: 'folder', path, threshold: folderThreshold });
}
