import { cudaFolder, findInstallation } from './installation.ts';
import { runtimePackage } from './runtime-package.ts';

let avoidsCudnnAttention = false;

/** Variable of the runtime: `0` has its own flash attention compute what cuDNN would on newer cards. */
export const cudnnAttentionVariable = 'ORT_ENABLE_CUDNN_FLASH_ATTENTION';

/** Has all processes that start from now on do without cuDNN's attention, since it was seen to fail here. */
export function avoidCudnnAttention(): void {
  avoidsCudnnAttention = true;
}

/**
 * What a process that runs networks has in its environment besides its parent's. The loader reads its path when a process
 * starts, so it cannot be set any later. The runtime's library comes first, since it looks for the CUDA provider beside
 * itself; NVIDIA's libraries come last, so that those somebody chose for himself are used.
 */
export function deviceEnvironment(
  environment: NodeJS.ProcessEnv = process.env,
  version = runtimePackage().version,
): NodeJS.ProcessEnv {
  const attention = avoidsCudnnAttention ? { [cudnnAttentionVariable]: '0' } : {};
  const isLinuxX64 = process.platform === 'linux' && process.arch === 'x64';
  const installation = isLinuxX64 ? findInstallation(cudaFolder(environment), version) : undefined;
  if (installation === undefined) return attention;
  const path = [
    installation.provider.folder,
    ...loaderPath(environment),
    ...installation.libraries.map(({ folder }) => folder),
  ];
  return { ...attention, LD_LIBRARY_PATH: path.join(':') };
}

/** Folders in which the loader looks before any others. */
export function loaderPath(environment: NodeJS.ProcessEnv = process.env): readonly string[] {
  return (environment.LD_LIBRARY_PATH ?? '').split(':').filter((folder) => folder !== '');
}
