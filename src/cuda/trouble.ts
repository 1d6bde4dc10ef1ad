import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loaderPath } from './device-environment.ts';
import {
  cudaMajor,
  explainCudaFailure,
  isSupportedCapability,
  oldestDriver,
  shortReason,
  unsupportedGeneration,
} from './failure.ts';
import type { Gpu } from './gpus.ts';
import { cudaFolder, findInstallation, installationPath, installedVersions } from './installation.ts';
import { driverLibrary } from './libraries.ts';
import { runtimeLibrary, runtimePackage } from './runtime-package.ts';

export const installCommand = 'soundstage gpu install';
export const fullInstallCommand = `${installCommand} --with-cuda-libraries`;

const providerLibrary = 'libonnxruntime_providers_cuda.so';

/** What is known of a machine on which CUDA does not work. */
export interface CudaFacts {
  /** What the runtime said. */
  readonly text: string;
  /** By `missingLibraries`. */
  readonly missing: readonly string[];
  /** Of what is missing, what is here of another major version, e.g. `libcublas.so.12`. */
  readonly ofOtherMajor: readonly string[];
  readonly gpus: readonly Gpu[];
  readonly driver: string | undefined;
}

/** The library of the CUDA provider where the engine would load it from; undefined where there is none. */
export function providerPath(): string | undefined {
  const path = join(runtimeFolder(), providerLibrary);
  return existsSync(path) ? path : undefined;
}

/** Where the loader finds the runtime, which looks for the provider there: the package says so last. */
function runtimeFolder(): string {
  const installation = findInstallation();
  if (installation !== undefined) return installation.provider.folder;
  const found = loaderPath().find((folder) => existsSync(join(folder, runtimeLibrary)));
  return found ?? dirname(runtimePackage().library);
}

/** Why there can be no CUDA here whatever the driver says, and what to do about it; undefined where there is nothing in its way. */
export function obstacleToCuda(): string | undefined {
  const { platform, arch } = process;
  if (platform !== 'linux' || arch !== 'x64') return `CUDA needs Linux on x64, and this is ${platform} on ${arch}`;
  if (providerPath() !== undefined) return undefined;
  const { version } = runtimePackage();
  const folder = cudaFolder();
  const versions = installedVersions(folder);
  if (versions.includes(version)) {
    return `ONNX Runtime's CUDA part in ${folder} is damaged (${installationPath(folder, version)} names what is not whole): run \`${installCommand}\``;
  }
  if (versions.length > 0) {
    return `ONNX Runtime's CUDA part is installed for version ${versions.join(', ')}, not for ${version}: run \`${installCommand}\` again`;
  }
  return `ONNX Runtime's CUDA part is not installed: run \`${fullInstallCommand}\``;
}

/** Why CUDA does not work, and what to do about it, in one sentence. */
export function explainCudaTrouble({ text, missing, ofOtherMajor, gpus, driver }: CudaFacts): string {
  const libraries = missing.filter((name) => name !== driverLibrary);
  const hasDriver = !missing.includes(driverLibrary);
  const lacksAtOnce = /Failed to load (?:shared )?library/.test(text);
  const lacksCudnn = /cudnn|nvrtc/i.test(text);
  if (libraries.length > 0 && (lacksAtOnce || lacksCudnn)) {
    const names = missing.join(', ');
    if (ofOtherMajor.length > 0) {
      return `CUDA ${cudaMajor} is needed, and the libraries here are of another version (${ofOtherMajor.join(', ')}; missing: ${names}): run \`${fullInstallCommand}\``;
    }
    const alsoDriver = hasDriver ? '' : `, and install an NVIDIA driver of version ${oldestDriver} or newer`;
    return `libraries are missing (${names}): run \`${fullInstallCommand}\`${alsoDriver}`;
  }
  if (!hasDriver) {
    const card =
      gpus[0] === undefined ? 'there is no NVIDIA driver' : `the driver's library for ${gpus[0].name} is missing`;
    return `${card} (${driverLibrary}; nothing else is missing): install version ${oldestDriver} or newer, or start the container with its GPUs`;
  }
  const unsupported = gpus.filter(
    ({ computeCapability }) => computeCapability && !isSupportedCapability(computeCapability),
  );
  if (gpus.length > 0 && unsupported.length === gpus.length) {
    const [{ name, computeCapability } = { name: 'the GPU', computeCapability: '' }] = unsupported;
    return unsupportedGeneration(name, `compute capability ${computeCapability}`);
  }
  const explained = explainCudaFailure(text);
  if (explained === undefined) return shortReason(text);
  const version = driver ?? gpus[0]?.driver;
  return version === undefined
    ? explained
    : explained.replace('the NVIDIA driver is too old', `the NVIDIA driver ${version} is too old`);
}
