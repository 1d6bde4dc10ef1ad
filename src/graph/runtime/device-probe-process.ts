import { missingLibraries } from '../../cuda/libraries.ts';
import { serveParentProcess } from '../../shared/processes/service-host.ts';
import { probeDevice } from './device-check.ts';
import type { DeviceProbeMethods } from './device-probe.ts';

serveParentProcess<DeviceProbeMethods>({
  probe: ({ device }) => probeDevice(device),
  missingLibraries: ({ provider }) => missingLibraries(provider),
});
