import { resolveWeights } from '../../models/resolve-weights.ts';
import { chooseDevice } from '../../pipeline/choose-device.ts';
import type { ReadinessCheck } from '../../server/operations/readiness.ts';
import type { Configuration } from '../../shared/configuration.ts';
import { Lazy } from '../../shared/lazy.ts';

/** What a process that makes clips needs besides the database: the weights, and a device to run them on. */
export function readinessChecks(configuration: Configuration): Readonly<Record<string, ReadinessCheck>> {
  // Probing starts a process; a device that was found stays.
  const device = new Lazy(() => chooseDevice(configuration.SOUNDSTAGE_DEVICE));
  return Object.freeze({
    weights: async () => {
      await resolveWeights(configuration.SOUNDSTAGE_MODEL);
    },
    device: async () => {
      await device.get();
    },
  });
}
