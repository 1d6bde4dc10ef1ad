import { totalmem } from 'node:os';
import { findGpu, firstVisibleGpu, type Gpu, listGpus } from '../cuda/gpus.ts';
import type { DeviceKind } from '../graph/graph-target.ts';

export interface DeviceMemoryOptions {
  /** Gigabytes (2³⁰ bytes) of a GPU that may be used. Default: what is free. */
  readonly gpuMemory?: number | undefined;
  /** The GPU as CUDA_VISIBLE_DEVICES names it. Default: the first that is visible. */
  readonly gpu?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Default `process.env`. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  /** Default `listGpus`. */
  readonly list?: ((signal: AbortSignal | undefined) => Promise<readonly Gpu[]>) | undefined;
}

/** Bytes of memory that a clip may use on a device, to be asked before anything runs there; undefined where nobody knows. */
export async function deviceMemory(
  device: DeviceKind,
  {
    gpuMemory,
    signal,
    environment = process.env,
    gpu = firstVisibleGpu(environment),
    list = (inner) => listGpus(undefined, inner),
  }: DeviceMemoryOptions = {},
): Promise<number | undefined> {
  if (device === 'cpu') return machineMemory();
  if (gpuMemory !== undefined) return gpuMemory * 2 ** 30;
  if (device !== 'cuda') return undefined;
  return findGpu(await list(signal), gpu)?.freeMemory;
}

/** That of the machine, or of the container. */
function machineMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
