import type { DeviceKind } from '../graph/graph-target.ts';
import { probeDeviceSafely } from '../graph/runtime/device-probe.ts';
import { SoundstageError } from '../shared/errors.ts';

/**
 * The device to run on. `auto` takes CUDA if it works here, else the CPU; WebGPU has to be asked for.
 *
 * @throws SoundstageError `device` with the reason if the device asked for does not work
 */
export async function chooseDevice(wanted: DeviceKind | 'auto', signal?: AbortSignal): Promise<DeviceKind> {
  if (wanted === 'cpu') return 'cpu';
  const device = wanted === 'auto' ? 'cuda' : wanted;
  const report = await probeDeviceSafely(device, signal);
  if (report.usable) return device;
  if (wanted === 'auto') return 'cpu';
  throw new SoundstageError('device', `${device} cannot be used here: ${report.reason}; try --device cpu`, {
    field: 'device',
  });
}
