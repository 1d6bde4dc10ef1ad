import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { resolveWeights } from '../../models/resolve-weights.ts';
import type { WeightSet } from '../../models/weight-folder.ts';
import { findWeightSet } from '../../models/weight-sets.ts';
import type { Installation, InstalledLora } from '../../server/operations/installation.ts';
import type { Configuration } from '../../shared/configuration.ts';
import { SoundstageError } from '../../shared/errors.ts';

/** The model, its camera moves and the LoRAs on this machine, as they are now. */
export async function describeInstallation({
  SOUNDSTAGE_MODEL: model,
  SOUNDSTAGE_LORA_FOLDER: folder,
}: Configuration): Promise<Installation> {
  const entry = findWeightSet(model);
  const weights = await installedWeights(model);
  const own = folder === undefined ? [] : await lorasIn(folder);
  return {
    model: { id: weights?.id ?? model, title: entry?.title ?? model, isMiniature: entry?.kind === 'embedded' },
    ...(weights && { cameraMoves: Object.keys(weights.cameraLoras) }),
    loras: [...(await included(weights)), ...own],
  };
}

/** A server that leaves the clips to others need not have them. */
async function installedWeights(model: string): Promise<WeightSet | undefined> {
  try {
    return await resolveWeights(model);
  } catch (error) {
    if (error instanceof SoundstageError) return undefined;
    throw error;
  }
}

async function included(weights: WeightSet | undefined): Promise<InstalledLora[]> {
  const files = Object.entries(weights?.loras ?? {});
  return await Promise.all(
    files.map(async ([path, file]) => ({ path, bytes: (await stat(file)).size, origin: 'model' as const })),
  );
}

async function lorasIn(folder: string): Promise<InstalledLora[]> {
  const names = await readdir(folder, { recursive: true });
  const loras = names.filter((name) => name.endsWith('.safetensors')).sort();
  return await Promise.all(
    loras.map(async (name) => ({
      path: name.replaceAll('\\', '/'),
      bytes: (await stat(join(folder, name))).size,
      origin: 'folder' as const,
    })),
  );
}
