import { resolveWeights } from '../models/resolve-weights.ts';
import { chooseDevice } from '../pipeline/choose-device.ts';
import type { ReadinessCheck } from '../server/readiness.ts';
import type { Configuration } from '../shared/configuration.ts';

/** What a process that makes clips needs besides the database: the weights, and a device to run them on. */
export function readinessChecks(configuration: Configuration): Readonly<Record<string, ReadinessCheck>> {
  let device: ReturnType<typeof chooseDevice> | undefined;
  return Object.freeze({
    weights: async () => {
      await resolveWeights(configuration.SOUNDSTAGE_MODEL);
    },
    // Probing starts a process; a device that was found stays.
    device: async () => {
      device ??= chooseDevice(configuration.SOUNDSTAGE_DEVICE).catch((error: unknown) => {
        device = undefined;
        throw error;
      });
      await device;
    },
  });
}
