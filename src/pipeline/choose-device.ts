import { type DeviceChoice, type DeviceKind, fallbackDevice, preferredDevices } from '../graph/graph-target.ts';
import { probeDeviceSafely } from '../graph/runtime/device-probe.ts';
import { SoundstageError } from '../shared/errors.ts';

/**
 * The device to run on; for `auto`, the best of those that work here.
 *
 * @throws SoundstageError `device` with the reason if the device asked for does not work
 */
export async function chooseDevice(wanted: DeviceChoice, signal?: AbortSignal): Promise<DeviceKind> {
  if (wanted === 'auto') {
    for (const device of preferredDevices) {
      if ((await probeDeviceSafely(device, signal)).usable) return device;
    }
    return fallbackDevice;
  }
  if (wanted === fallbackDevice) return wanted;
  const report = await probeDeviceSafely(wanted, signal);
  if (report.usable) return wanted;
  const message = `${wanted} cannot be used here: ${report.reason}; try --device ${fallbackDevice}`;
  throw new SoundstageError('device', message, { field: 'device' });
}
