import { avoidCudnnAttention, deviceEnvironment, mayUseCudnnAttention } from '../../cuda/device-environment.ts';
import { isCudnnAttentionFailure } from '../../cuda/failure.ts';
import { driverVersion, findGpu, firstVisibleGpu, listGpus } from '../../cuda/gpus.ts';
import type { MissingLibraries } from '../../cuda/libraries.ts';
import { explainCudaTrouble, obstacleToCuda, providerPath } from '../../cuda/trouble.ts';
import { deviceVariables } from '../../shared/processes/child-environment.ts';
import { ChildService } from '../../shared/processes/child-service.ts';
import { cudnnAttentionVariable, type DeviceKind } from '../graph-target.ts';

export type DeviceReport =
  | { readonly device: DeviceKind; readonly usable: true /** What is not as it could be. */; readonly note?: string }
  | { readonly device: DeviceKind; readonly usable: false; readonly reason: string };

export type DeviceProbeMethods = {
  probe: { params: { readonly device: DeviceKind }; result: DeviceReport; event: never };
  missingLibraries: { params: { readonly provider: string }; result: MissingLibraries; event: never };
};

/** Milliseconds; a driver that hangs is as good as none. */
const probeTimeLimit = 60_000;

/**
 * Finds out whether a device works by using it, in a process of its own: a broken driver may crash. Where cuDNN fails to
 * compute attention, or the card is of a generation that it does not for, processes that start later use the runtime's own kernel.
 *
 * @param gpu as `deviceEnvironment` takes it
 */
export async function probeDeviceSafely(device: DeviceKind, signal?: AbortSignal, gpu?: string): Promise<DeviceReport> {
  if (device !== 'cuda') return await probe(device, signal, {});
  const obstacle = obstacleToCuda();
  if (obstacle !== undefined) return { device, usable: false, reason: obstacle };
  const isOwnChoice = process.env[cudnnAttentionVariable] !== undefined;
  const { computeCapability } = findGpu(await listGpus(undefined, signal), gpu ?? firstVisibleGpu()) ?? {};
  if (!isOwnChoice && !mayUseCudnnAttention(computeCapability)) avoidCudnnAttention(gpu);
  const variables = deviceEnvironment(gpu);
  const report = await probe(device, signal, variables);
  if (report.usable) return report;
  if (isCudnnAttentionFailure(report.reason) && !isOwnChoice) {
    const other = await probe(device, signal, { ...variables, [cudnnAttentionVariable]: '0' });
    if (other.usable) {
      avoidCudnnAttention(gpu);
      return { ...other, note: 'attention is computed by the runtime itself, since cuDNN fails to' };
    }
    if (!isCudnnAttentionFailure(other.reason)) return await explained(other.reason, signal);
  }
  return await explained(report.reason, signal);
}

async function explained(text: string, signal: AbortSignal | undefined): Promise<DeviceReport> {
  const [libraries, gpus, driver] = await Promise.all([
    missingCudaLibraries(signal),
    listGpus(undefined, signal),
    driverVersion(),
  ]);
  return { device: 'cuda', usable: false, reason: explainCudaTrouble({ text, ...libraries, gpus, driver }) };
}

/** What a process that uses CUDA would not find. */
export async function missingCudaLibraries(signal?: AbortSignal): Promise<MissingLibraries> {
  const provider = providerPath();
  if (provider === undefined) return { missing: [], ofOtherMajor: [] };
  await using service = openProbe('cuda', deviceEnvironment());
  try {
    return await service.call('missingLibraries', { provider }, { timeout: probeTimeLimit, signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    // A library that crashes when it is loaded is there at least.
    return { missing: [], ofOtherMajor: [] };
  }
}

async function probe(
  device: DeviceKind,
  signal: AbortSignal | undefined,
  variables: NodeJS.ProcessEnv,
): Promise<DeviceReport> {
  await using service = openProbe(device, variables);
  try {
    return await service.call('probe', { device }, { timeout: probeTimeLimit, signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    return { device, usable: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

function openProbe(device: DeviceKind, variables: NodeJS.ProcessEnv): ChildService<DeviceProbeMethods> {
  return new ChildService<DeviceProbeMethods>({
    module: new URL('./device-probe-process.ts', import.meta.url),
    title: `the probe of ${device}`,
    variables: deviceVariables,
    env: () => variables,
  });
}
