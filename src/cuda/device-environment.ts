import { cudnnAttentionVariable } from '../graph/graph-target.ts';
import { cudaFolder, findInstallation } from './installation.ts';
import { runtimePackage } from './runtime-package.ts';

/** The GPUs, by what chose them, on which the runtime's own attention is the better one. */
const avoiding = new Set<string | undefined>();

/** The first generation on which the runtime leaves attention to cuDNN. */
const firstWithCudnnAttention = 9;

/** Whether the runtime leaves attention to cuDNN on a GPU of this compute capability. Not known: it may. */
export function mayUseCudnnAttention(computeCapability: string | undefined): boolean {
  return computeCapability === undefined || Number.parseFloat(computeCapability) >= firstWithCudnnAttention;
}

/** Has processes that start on this GPU from now on use the runtime's own attention. */
export function avoidCudnnAttention(gpu: string | undefined): void {
  avoiding.add(gpu);
}

/**
 * What a process that runs networks has in its environment besides its parent's. The loader reads its path when a process
 * starts, so it cannot be set any later. The runtime's library comes first, since it looks for the CUDA provider beside
 * itself; NVIDIA's libraries come last, so that those somebody chose for himself are used.
 *
 * @param gpu the only one that the process is to see, as CUDA_VISIBLE_DEVICES names it. Default: all
 */
export function deviceEnvironment(
  gpu?: string,
  environment: NodeJS.ProcessEnv = process.env,
  version = runtimePackage().version,
): NodeJS.ProcessEnv {
  const own = {
    ...(avoiding.has(gpu) ? { [cudnnAttentionVariable]: '0' } : {}),
    ...(gpu === undefined ? {} : { CUDA_VISIBLE_DEVICES: gpu }),
    // As `nvidia-smi` counts, which says how much memory a card has and of which generation it is.
    CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
  };
  const isLinuxX64 = process.platform === 'linux' && process.arch === 'x64';
  const installation = isLinuxX64 ? findInstallation(cudaFolder(environment), version) : undefined;
  if (installation === undefined) return own;
  const path = [
    installation.provider.folder,
    ...loaderPath(environment),
    ...installation.libraries.map(({ folder }) => folder),
  ];
  return { ...own, LD_LIBRARY_PATH: path.join(':') };
}

/** Folders in which the loader looks before any others. */
export function loaderPath(environment: NodeJS.ProcessEnv = process.env): readonly string[] {
  return (environment.LD_LIBRARY_PATH ?? '').split(':').filter((folder) => folder !== '');
}
