import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A graphics card as its driver describes it; what the driver does not tell is absent. */
export interface Gpu {
  /** As `nvidia-smi` counts. */
  readonly index: number;
  readonly name: string;
  readonly uuid?: string | undefined;
  /** Bytes. */
  readonly memory?: number | undefined;
  readonly freeMemory?: number | undefined;
  readonly driver?: string | undefined;
  /** Generation of its processors, e.g. `8.9`. */
  readonly computeCapability?: string | undefined;
}

/** Milliseconds; the driver may have to wake a card first. */
const timeLimit = 30_000;
const fields = ['index', 'name', 'uuid', 'memory.total', 'memory.free', 'driver_version', 'compute_cap'];
const MiB = 2 ** 20;

/**
 * The NVIDIA cards of this machine, whether or not CUDA may use them. `nvidia-smi` comes with every driver; containers may
 * lack it, and the kernel tells less.
 *
 * @param kernel where the driver describes itself; default `/proc/driver/nvidia`
 */
export async function listGpus(kernel = '/proc/driver/nvidia', signal?: AbortSignal): Promise<readonly Gpu[]> {
  try {
    const query = [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits'];
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: timeLimit, signal });
    return stdout.split('\n').flatMap((line) => gpuOf(line.split(',').map((field) => field.trim())) ?? []);
  } catch (error) {
    if (signal?.aborted) throw error;
    return await gpusOfKernel(kernel);
  }
}

/** The one that CUDA_VISIBLE_DEVICES names, or without a name the first. */
export function findGpu(gpus: readonly Gpu[], name: string | undefined): Gpu | undefined {
  if (name === undefined || name === '') return gpus[0];
  // It takes the beginning of a UUID for the whole.
  return gpus.find(({ index, uuid }) => name === String(index) || uuid?.startsWith(name) === true);
}

/** What CUDA_VISIBLE_DEVICES names first. */
export function firstVisibleGpu(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  return environment.CUDA_VISIBLE_DEVICES?.split(',')[0]?.trim();
}

/** The version of the kernel's driver; undefined without one. */
export async function driverVersion(kernel = '/proc/driver/nvidia'): Promise<string | undefined> {
  const text = await readFile(join(kernel, 'version'), 'utf8').catch(() => '');
  return /^NVRM version:.*?\s(\d+(?:\.\d+)+)\s/m.exec(text)?.[1];
}

function gpuOf([index, name, uuid, memory, freeMemory, driver, computeCapability]: readonly string[]): Gpu | undefined {
  if (index === undefined || name === undefined || !/^\d+$/.test(index)) return undefined;
  const [bytes, freeBytes] = [mebibytes(memory), mebibytes(freeMemory)];
  return {
    index: Number(index),
    name,
    uuid: known(uuid),
    memory: bytes,
    freeMemory: freeBytes,
    driver: known(driver),
    computeCapability: known(computeCapability),
  };
}

async function gpusOfKernel(kernel: string): Promise<readonly Gpu[]> {
  const folders = await readdir(join(kernel, 'gpus')).catch(() => []);
  const driver = await driverVersion(kernel);
  return await Promise.all(
    folders.toSorted().map(async (folder, index) => {
      const text = await readFile(join(kernel, 'gpus', folder, 'information'), 'utf8').catch(() => '');
      const field = (title: string): string | undefined =>
        new RegExp(`^${title}:\\s*(.+)$`, 'm').exec(text)?.[1]?.trim();
      return { index, name: field('Model') ?? `NVIDIA GPU at ${folder}`, uuid: field('GPU UUID'), driver };
    }),
  );
}

/** What a card or its driver does not know is in brackets: `[N/A]`. */
function known(field: string | undefined): string | undefined {
  return field === undefined || field === '' || field.startsWith('[') ? undefined : field;
}

function mebibytes(field: string | undefined): number | undefined {
  return field !== undefined && /^\d+$/.test(field) ? Number(field) * MiB : undefined;
}
