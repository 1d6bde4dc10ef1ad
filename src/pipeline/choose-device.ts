import {
  type DeviceChoice,
  type DeviceKind,
  fallbackDevice,
  type Precision,
  preferredDevices,
} from '../graph/graph-target.ts';
import { type DeviceReport, probeDeviceSafely } from '../graph/runtime/device-probe.ts';
import { SoundstageError } from '../shared/errors.ts';
import { deviceMemory } from './device-memory.ts';

export interface ChosenDevice {
  readonly device: DeviceKind;
  /** Bytes of memory that clips may use there; undefined where nobody knows. */
  readonly memory: number | undefined;
  /** Default `exact`. */
  readonly precision?: Precision | undefined;
  /** For whoever asks for a clip: why it is not a better one, or not used as it could be. */
  readonly notes: readonly string[];
}

export interface ChooseOptions {
  readonly signal?: AbortSignal | undefined;
  /** The only GPU to consider, as CUDA_VISIBLE_DEVICES names it. Default: the first that is visible. */
  readonly gpu?: string | undefined;
  /** Gigabytes (2³⁰ bytes) of a GPU that may be used. Default: what is free. */
  readonly gpuMemory?: number | undefined;
  /** Default `exact`. */
  readonly precision?: Precision | undefined;
  /** Default `probeDeviceSafely`. */
  readonly probe?: typeof probeDeviceSafely | undefined;
}

/**
 * The device to run on; for `auto`, the best of those that work here.
 *
 * @throws SoundstageError `device` with the reason if the device asked for does not work, or not in the precision asked for
 */
export async function chooseDevice(wanted: DeviceChoice, options: ChooseOptions = {}): Promise<ChosenDevice> {
  const { signal, gpu, gpuMemory, precision } = options;
  const { device, notes } = await workingDevice(wanted, options);
  if (precision === 'int8' && device !== fallbackDevice) {
    const message = `the precision ${precision} is for the ${fallbackDevice}, and clips are made on ${device}: leave it out, or choose the device ${fallbackDevice}`;
    throw new SoundstageError('device', message, { field: 'precision' });
  }
  return { device, notes, precision, memory: await deviceMemory(device, { signal, gpu, gpuMemory }) };
}

/** The device chosen anew, with the memory that it had at first: what an engine holds by now is not free, and yet is there for its clips. */
export function chosenAgain(chosen: ChosenDevice, before: ChosenDevice | undefined): ChosenDevice {
  return before?.device === chosen.device ? { ...chosen, memory: before.memory } : chosen;
}

async function workingDevice(
  wanted: DeviceChoice,
  { signal, gpu, probe = probeDeviceSafely }: ChooseOptions,
): Promise<Pick<ChosenDevice, 'device' | 'notes'>> {
  if (wanted === fallbackDevice) return { device: wanted, notes: [] };
  if (wanted === 'auto') {
    const notes: string[] = [];
    for (const device of preferredDevices) {
      const report = await probe(device, signal, gpu);
      if (report.usable) return { device, notes: [...notes, ...notesOf(report)] };
      notes.push(`${device} is not used: ${report.reason}`);
    }
    return { device: fallbackDevice, notes };
  }
  const report = await probe(wanted, signal, gpu);
  if (report.usable) return { device: wanted, notes: notesOf(report) };
  const message = `${wanted} cannot be used here: ${report.reason}; try --device ${fallbackDevice}`;
  throw new SoundstageError('device', message, { field: 'device' });
}

function notesOf({ device, note }: DeviceReport & { readonly usable: true }): readonly string[] {
  return note === undefined ? [] : [`${device}: ${note}`];
}
