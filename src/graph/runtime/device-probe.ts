import { deviceVariables } from '../../shared/processes/child-environment.ts';
import { ChildService } from '../../shared/processes/child-service.ts';
import type { DeviceKind } from '../graph-target.ts';

export type DeviceReport =
  | { readonly device: DeviceKind; readonly usable: true }
  | { readonly device: DeviceKind; readonly usable: false; readonly reason: string };

export type DeviceProbeMethods = {
  probe: { params: { readonly device: DeviceKind }; result: DeviceReport; event: never };
};

/** Milliseconds; a driver that hangs is as good as none. */
const probeTimeLimit = 60_000;

/** Finds out whether a device works by using it, in a process of its own: a broken driver may crash. */
export async function probeDeviceSafely(device: DeviceKind, signal?: AbortSignal): Promise<DeviceReport> {
  await using service = new ChildService<DeviceProbeMethods>({
    module: new URL('./device-probe-process.ts', import.meta.url),
    title: `the probe of ${device}`,
    variables: deviceVariables,
  });
  try {
    return await service.call('probe', { device }, { timeout: probeTimeLimit, signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    return { device, usable: false, reason: error instanceof Error ? error.message : String(error) };
  }
}
