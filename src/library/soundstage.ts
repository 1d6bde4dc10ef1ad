import { resolveWeights } from '../models/resolve-weights.ts';
import { chooseDevice } from '../pipeline/choose-device.ts';
import { SoundstageError } from '../shared/errors.ts';
import { obstacleToRunning } from '../shared/platform/unsupported.ts';
import type { Soundstage, SoundstageOptions } from './api.ts';
import { LocalSoundstage } from './local-soundstage.ts';

export { type ErrorKind, SoundstageError } from '../shared/errors.ts';
export type {
  Clip,
  ClipFile,
  ClipInput,
  ClipPhase,
  ClipPreview,
  ClipProgress,
  ClipTimings,
  Film,
  FilmInput,
  FilmOptions,
  FilmPlan,
  FilmProgress,
  FilmScore,
  GenerateOptions,
  Soundstage,
  SoundstageOptions,
} from './api.ts';

/**
 * Opens Soundstage with a model: `await using soundstage = await openSoundstage()`. The model is loaded with the first clip and
 * stays for the next, in a process of its own, which ends when this is disposed of.
 *
 * @throws SoundstageError `weights` with what is missing and the command that fetches it, `device` if the one asked for does not
 *   work or this system is not supported, `input` for a model of which nothing is known
 */
export async function openSoundstage(options: SoundstageOptions = {}): Promise<Soundstage> {
  const { model = 'nano', device = 'auto', gpu, gpuMemory, precision, safetyModel, signal } = options;
  const obstacle = obstacleToRunning();
  if (obstacle !== undefined) throw new SoundstageError('device', obstacle);
  await resolveWeights(model);
  const chosen = await chooseDevice(device, { signal, gpu, gpuMemory, precision });
  return new LocalSoundstage({ model, gpu, safetyModel, chosen });
}
