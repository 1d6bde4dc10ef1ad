import { statSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Transfer, type TransferProgress } from '../../models/download/transfer.ts';
import { requireDiskSpace } from '../../models/hub/disk-space.ts';
import { defaultRetry, downloadCancelled, type RetryPolicy } from '../../models/hub/retry.ts';
import { lockFile, storageError } from '../../models/hub/verified-transfer.ts';
import { SoundstageError } from '../../shared/errors.ts';
import {
  type CudaInstallation,
  cudaFolder,
  findInstallation,
  type InstallationFile,
  type InstalledPackage,
  installationPath,
  packagesIn,
  providerPackage,
} from '../installation.ts';
import { type RuntimePackage, runtimeLibrary, runtimePackage } from '../runtime-package.ts';
import { unpackLibraries, unpackProvider } from './unpack.ts';
import { compareVersions, isWanted, type WantedPackage } from './wheel-name.ts';
import { type FoundWheel, wheelsOfFolder, wheelsOfIndex } from './wheel-source.ts';

/** NVIDIA's packages with what the provider of CUDA 13 and cuDNN 9 load; the newest of a major runs with any driver for it. */
const libraryPackages: readonly WantedPackage[] = [
  { name: 'nvidia-cuda-runtime', version: { major: 13 } },
  { name: 'nvidia-cublas', version: { major: 13 } },
  { name: 'nvidia-curand', version: { major: 10 } },
  { name: 'nvidia-cuda-nvrtc', version: { major: 13 } },
  { name: 'nvidia-cudnn-cu13', version: { major: 9 } },
];

/** Where Python's own tools look unless told otherwise. */
export const defaultIndex = 'https://pypi.org/simple';

/** A package takes up to twice the space of its wheel, and its wheel is there until it is unpacked. */
const spacePerByte = 2.5;

export interface InstallOptions {
  /** Whether to install NVIDIA's libraries as well. Default: no, those of the system are used. */
  readonly withLibraries?: boolean | undefined;
  /** Package index of Python; default `$PIP_INDEX_URL` or PyPI. */
  readonly indexUrl?: string | undefined;
  /** Folder of wheels to take instead of asking an index. */
  readonly wheels?: string | undefined;
  /** Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** What the provider has to fit; default onnxruntime-node as installed. */
  readonly runtime?: RuntimePackage | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
  /** Cancels; what is partly there stays, and the next installation goes on from it. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
}

export interface InstallResult {
  readonly folder: string;
  readonly installation: CudaInstallation;
  /** What was not there before. */
  readonly added: readonly InstalledPackage[];
}

/**
 * Installs the CUDA provider of exactly the version and build of onnxruntime-node from its wheel, and NVIDIA's libraries where asked to.
 * What is there already stays. Each package appears in the folder as a whole or not at all, and is in use once all are.
 *
 * @throws SoundstageError `device` (no Linux on x64, disk), `input` (index, folder), `network`, `weights` (a damaged wheel, or one of
 *   another build), `cancelled`
 */
export async function installCuda(options: InstallOptions = {}): Promise<InstallResult> {
  const { env = process.env, runtime = runtimePackage(), withLibraries = false, signal } = options;
  requirePlatform();
  const folder = cudaFolder(env);
  const wanted = [
    { name: providerPackage, version: { exact: runtime.version } },
    ...(withLibraries ? libraryPackages : []),
  ];
  try {
    const before = completeInstallation(folder, runtime, wanted);
    if (before !== undefined) return { folder, installation: before, added: [] };
    using _lock = await lockFile(join(folder, 'install.lock'), { signal });
    const lacking = wanted.filter((each) => !packagesFor(folder, runtime).some((here) => isWanted(here, each)));
    const added = await install(folder, lacking, runtime, options);
    await writeInstallation(folder, runtime);
    const installation = completeInstallation(folder, runtime, wanted);
    if (installation === undefined) throw new Error(`the installation in ${folder} is not what was written`);
    return { folder, installation, added };
  } catch (error) {
    if (signal?.aborted) throw downloadCancelled(error);
    throw storageError(error, folder);
  }
}

function requirePlatform(): void {
  const { platform, arch } = process;
  if (platform === 'linux' && arch === 'x64') return;
  throw new SoundstageError(
    'device',
    `CUDA is for Linux on x64, and this is ${platform} on ${arch}: there is nothing to install`,
  );
}

/** What is in use already, where nothing is missing and nothing is damaged. */
function completeInstallation(
  folder: string,
  runtime: RuntimePackage,
  wanted: readonly WantedPackage[],
): CudaInstallation | undefined {
  const found = findInstallation(folder, runtime.version);
  if (found === undefined || !hasLibraryOf(runtime, found.provider)) return undefined;
  const packages = [found.provider, ...found.libraries];
  return wanted.every((each) => packages.some((here) => isWanted(here, each))) ? found : undefined;
}

/** Of all that is in the folder, what can be used with this runtime. */
function packagesFor(folder: string, runtime: RuntimePackage): readonly InstalledPackage[] {
  const usable: readonly WantedPackage[] = [
    { name: providerPackage, version: { exact: runtime.version } },
    ...libraryPackages,
  ];
  const newestFirst = packagesIn(folder).toSorted((one, other) => compareVersions(other.version, one.version));
  return usable.flatMap((each) => {
    const found = newestFirst.find((here) => isWanted(here, each));
    return found === undefined || (found.name === providerPackage && !hasLibraryOf(runtime, found)) ? [] : [found];
  });
}

function hasLibraryOf({ library }: RuntimePackage, provider: InstalledPackage): boolean {
  return statSync(library).size === statSync(join(provider.folder, runtimeLibrary), { throwIfNoEntry: false })?.size;
}

async function install(
  folder: string,
  lacking: readonly WantedPackage[],
  runtime: RuntimePackage,
  { indexUrl, wheels, env = process.env, retry: changes, signal, onProgress }: InstallOptions,
): Promise<readonly InstalledPackage[]> {
  const retry = { ...defaultRetry, ...changes };
  const index = indexUrl ?? (env.PIP_INDEX_URL || defaultIndex);
  const source = wheels === undefined ? wheelsOfIndex(index, retry) : wheelsOfFolder(wheels);
  const found = await source.find(lacking, signal);
  await requireDiskSpace(
    folder,
    spacePerByte * found.reduce((sum, { size }) => sum + size, 0),
    'SOUNDSTAGE_CUDA_FOLDER',
  );
  const transfer = new Transfer(onProgress);
  const rows = found.map((wheel) => ({ wheel, row: transfer.add(wheel.file, wheel.size) }));
  const downloads = join(folder, 'downloads');
  const added: InstalledPackage[] = [];
  for (const { wheel, row } of rows) {
    const path = await wheel.fetch({
      folder: downloads,
      retry,
      signal,
      onProgress: (state, bytes) => row.update(state, bytes),
    });
    added.push(await unpack(path, wheel, { folder, runtime, signal }));
    if (wheel.size > 0) for (const file of [path, `${path}.lock`]) await rm(file, { force: true });
  }
  if (found.some(({ size }) => size > 0)) await rm(downloads, { recursive: true, force: true });
  return added;
}

interface UnpackContext {
  readonly folder: string;
  readonly runtime: RuntimePackage;
  readonly signal: AbortSignal | undefined;
}

async function unpack(
  path: string,
  { name, version }: FoundWheel,
  { folder, runtime, signal }: UnpackContext,
): Promise<InstalledPackage> {
  const target = join(folder, `${name}-${version}`);
  const temporary = join(folder, `.${name}-${version}`);
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  try {
    const wheel = { path, name, version };
    if (name === providerPackage) await unpackProvider(wheel, temporary, runtime, signal);
    else await unpackLibraries(wheel, temporary, signal);
    // One that is damaged, else it would not be unpacked again.
    await rm(target, { recursive: true, force: true });
    await rename(temporary, target);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  return { name, version, folder: target };
}

async function writeInstallation(folder: string, runtime: RuntimePackage): Promise<void> {
  const packages = packagesFor(folder, runtime).map(({ name, version }) => `${name}-${version}`);
  const path = installationPath(folder, runtime.version);
  const content: InstallationFile = { packages };
  await writeFile(`${path}.new`, `${JSON.stringify(content, null, 2)}\n`);
  await rename(`${path}.new`, path);
}
