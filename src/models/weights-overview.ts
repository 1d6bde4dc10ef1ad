import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SoundstageError } from '../shared/errors.ts';
import { cachedBytes, findCachedFiles } from './cached-files.ts';
import { repoFolder } from './hub/cache.ts';
import { type HubOptions, hubSettings } from './hub/settings.ts';
import { embeddedFolder, resolveWeights } from './resolve-weights.ts';
import { cachedSafetyModel, safetyModel } from './safety-model.ts';
import { type EmbeddedWeightSet, type HubWeightSet, weightSets } from './weight-sets.ts';

export interface WeightsOverview {
  readonly id: string;
  readonly title: string;
  /** Bytes of the complete set without camera LoRAs; approximate where it is not all here. */
  readonly bytes: number;
  readonly state: 'present' | 'partial' | 'missing';
  /** Folder the set is in or would be fetched to. */
  readonly where: string;
  /** Ids of the camera LoRAs that are here; absent for what takes none. */
  readonly cameras?: readonly string[];
}

/** Every known weight set and what is here of it, without the network. */
export async function overviewOfWeights(options: HubOptions = {}): Promise<readonly WeightsOverview[]> {
  const { cache } = hubSettings(options);
  return Promise.all([
    ...weightSets.map((entry) => (entry.kind === 'hub' ? overviewOfHub(entry, cache) : overviewOfEmbedded(entry))),
    overviewOfSafetyModel(cache),
  ]);
}

async function overviewOfSafetyModel(cache: string): Promise<WeightsOverview> {
  const { id, title, files } = safetyModel;
  const group = await cachedSafetyModel({ cache });
  const isPresent = group.missing.length === 0;
  const state = isPresent ? 'present' : group.present.length === 0 ? 'missing' : 'partial';
  const bytes = isPresent ? await cachedBytes(group) : safetyModel.bytes;
  return { id, title, bytes, state, where: repoFolder(cache, files.repo) };
}

async function overviewOfHub(entry: HubWeightSet, cache: string): Promise<WeightsOverview> {
  const { id, title } = entry;
  const groups = await Promise.all(
    [entry.bundle, entry.upscaler, entry.textEncoder].map((group) => findCachedFiles(cache, group)),
  );
  const cameras: string[] = [];
  for (const [move, group] of Object.entries(entry.cameraLoras)) {
    if ((await findCachedFiles(cache, group)).missing.length === 0) cameras.push(move);
  }
  const isPresent = groups.every(({ missing }) => missing.length === 0);
  const isMissing = groups.every(({ present }) => present.length === 0);
  const sizes = await Promise.all(groups.map(cachedBytes));
  const bytes = isPresent ? sizes.reduce((sum, size) => sum + size, 0) : entry.bytes;
  const state = isPresent ? 'present' : isMissing ? 'missing' : 'partial';
  return { id, title, bytes, state, where: repoFolder(cache, entry.bundle.repo), cameras };
}

async function overviewOfEmbedded(entry: EmbeddedWeightSet): Promise<WeightsOverview> {
  const { id, title } = entry;
  try {
    const { bundle, upscaler, textEncoder, cameraLoras } = await resolveWeights(id);
    const paths = [bundle, upscaler, join(textEncoder, 'model.safetensors')];
    const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    return {
      id,
      title,
      bytes,
      state: 'present',
      where: await embeddedFolder(entry),
      cameras: Object.keys(cameraLoras),
    };
  } catch (error) {
    // A list has to show what is missing, too.
    if (!(error instanceof SoundstageError && error.kind === 'weights')) throw error;
    return { id, title, bytes: 0, state: 'missing', where: entry.folder, cameras: [] };
  }
}
