import { isSupportedCapability } from '../cuda/failure.ts';
import { type Gpu, listGpus } from '../cuda/gpus.ts';
import type { DeviceChoice } from '../graph/graph-target.ts';
import type { Configuration } from '../shared/configuration.ts';
import { SoundstageError } from '../shared/errors.ts';
import { chooseDevice } from './choose-device.ts';

/** Where an engine runs. */
export interface EnginePlace {
  readonly device: DeviceChoice;
  /** The GPU as CUDA_VISIBLE_DEVICES names it. Absent: the first that is visible. */
  readonly gpu?: string | undefined;
  /** For messages; absent where there is one place only. */
  readonly title?: string | undefined;
}

export interface PlaceOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told of GPUs that are left out. */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** Default `process.env`. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** Default `listGpus`. */
  readonly list?: ((signal: AbortSignal | undefined) => Promise<readonly Gpu[]>) | undefined;
  /** Default `chooseDevice`. */
  readonly choose?: typeof chooseDevice | undefined;
}

/**
 * Where the engines of a server or a worker run: one on every GPU, where that is the device. A place that is a GPU is nothing
 * else: if it breaks, the others go on without it.
 *
 * @throws SoundstageError `input` where a GPU is named that is not there, or that the device is not for
 */
export async function enginePlaces(
  { SOUNDSTAGE_DEVICE: device, SOUNDSTAGE_GPUS: wanted }: Pick<Configuration, 'SOUNDSTAGE_DEVICE' | 'SOUNDSTAGE_GPUS'>,
  options: PlaceOptions = {},
): Promise<readonly EnginePlace[]> {
  const {
    signal,
    environment = process.env,
    list = (inner) => listGpus(undefined, inner),
    choose = chooseDevice,
  } = options;
  const single: readonly EnginePlace[] = [{ device }];
  if (device !== 'auto' && device !== 'cuda') {
    if (wanted.length === 0) return single;
    throw unusable(`GPUs are named (${wanted.join(',')}), but the device is ${device}: leave one of the two out`);
  }
  if (wanted.length > 0) return chosenPlaces(wanted, await list(signal));
  const visible = (environment.CUDA_VISIBLE_DEVICES ?? '').split(',').filter((gpu) => gpu.trim() !== '');
  const places =
    visible.length > 0
      ? visible.map((gpu) => ({ device: 'cuda' as const, gpu: gpu.trim(), title: `GPU ${gpu.trim()}` }))
      : supported(await list(signal), options).map(placeOf);
  if (places.length < 2) return single;
  // One place that goes on with the CPU is better than several that cannot.
  return device === 'cuda' || (await choose('auto', { signal })).device === 'cuda' ? places : single;
}

function chosenPlaces(wanted: readonly string[], gpus: readonly Gpu[]): readonly EnginePlace[] {
  return [...new Set(wanted.map(Number))].map((index) => {
    const gpu = gpus.find((each) => each.index === index);
    if (gpu !== undefined) return placeOf(gpu);
    const known = gpus.length === 0 ? 'none' : gpus.map((each) => each.index).join(', ');
    throw unusable(`there is no GPU ${index}; the driver lists ${known}`);
  });
}

function supported(gpus: readonly Gpu[], { onWarning }: PlaceOptions): readonly Gpu[] {
  return gpus.filter(({ index, name, computeCapability }) => {
    if (computeCapability === undefined || isSupportedCapability(computeCapability)) return true;
    onWarning?.(`GPU ${index} (${name}) is left out: there is no code for its compute capability ${computeCapability}`);
    return false;
  });
}

function placeOf({ index, uuid, name }: Gpu): EnginePlace {
  return { device: 'cuda', gpu: uuid ?? String(index), title: `GPU ${index}, ${name}` };
}

function unusable(message: string): SoundstageError {
  return new SoundstageError('input', `SOUNDSTAGE_GPUS is not usable: ${message}`, { field: 'SOUNDSTAGE_GPUS' });
}
