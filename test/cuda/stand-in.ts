import { execFile } from 'node:child_process';
import { readdir, readFile, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cachedFolder, ifItCanBeHad } from '../support/cached-folder.ts';
import { type Python, pip, pythonWith } from '../support/programs/python.ts';

const run = promisify(execFile);
const limits = { timeout: 280_000, maxBuffer: 2 ** 26 };

/** Headers of the CUDA runtime. */
const headers = ['nvidia-cuda-runtime>=13,<14', 'nvidia-cuda-crt>=13,<14'];

/** What the loader and the runtime's provider look for. */
const libraryNames = [
  ...['libcudart.so.13', 'libcublas.so.13', 'libcublasLt.so.13', 'libcurand.so.10', 'libcuda.so.1'],
  ...['libcudnn.so.9', 'libcudnn.so'],
];

const sources = join(import.meta.dirname, 'stand-in');
const runtimeFolder = join(dirname(fileURLToPath(import.meta.resolve('onnxruntime-node/package.json'))), '.');

/** A GPU that is not there. */
export interface StandInGpu {
  /** 90 is 9.0. Default 90. */
  readonly capability?: number;
  /** Gigabytes (2³⁰ bytes) of memory. Default 80. */
  readonly memory?: number;
  /** How many of it the machine has. Default 1. */
  readonly devices?: number;
  /** Newest CUDA that the driver supports; 13000, the default, is 13.0, and the least that will do. */
  readonly driver?: number;
  /** Copies of more bytes than this to the device are counted, but not carried out, so that holes in a file stay holes. */
  readonly largestCopy?: number;
  /** Whether cuDNN has a plan for attention. Default true. */
  readonly cudnnAttention?: boolean;
  /** A file that `readStandInLog` reads, to which is added what happens. */
  readonly log?: string;
  /**
   * A file that may be changed at any time, and need not exist. Each line `FUNCTION CODE CALLS`, such as `cudaMalloc 2 100`, lets
   * a function fail with that code once it was called so many times: `cudaGetDeviceCount`, `cudaSetDevice`, `cudaMalloc`,
   * `cudaMemcpy`, `cudaLaunchKernel`, `cudaStreamSynchronize`, `cudaDeviceSynchronize`.
   */
  readonly faults?: string;
}

/**
 * The runtime's own CUDA provider over stand-ins for NVIDIA's libraries: it places nodes, allocates, copies and launches as it
 * does on a GPU, but device memory is memory of the host and kernels do nothing, so results are garbage.
 */
export interface StandInCuda {
  /** Folder with the libraries that stand in for NVIDIA's, by their names. */
  readonly libraries: string;
  /** Folder with the provider beside a link to the runtime's own library, which finds it there. */
  readonly provider: string;
  /** What a child process needs in its environment, besides that of this process, to have such a GPU. */
  environment(gpu?: StandInGpu): Record<string, string>;
}

/**
 * Builds the libraries and fetches the provider, once. Undefined, with the reason on stdout, where a compiler, Python or its
 * packages cannot be had: their tests are skipped then.
 */
export async function standInCuda(): Promise<StandInCuda | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    process.stdout.write('not run: stand-in CUDA libraries: they are for Linux on x64\n');
    return undefined;
  }
  const python = await pythonWith(...headers);
  if (python === undefined) return undefined;
  return await ifItCanBeHad('stand-in CUDA libraries', async () => {
    const [libraries, provider] = await Promise.all([builtLibraries(python), fetchedProvider(python)]);
    return {
      libraries,
      provider,
      environment: (gpu = {}) => ({
        LD_LIBRARY_PATH: [provider, libraries, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
        ...variablesOf(gpu),
      }),
    };
  });
}

function variablesOf(gpu: StandInGpu): Record<string, string> {
  const all = {
    CAPABILITY: gpu.capability,
    MEMORY_GB: gpu.memory,
    DEVICES: gpu.devices,
    DRIVER: gpu.driver,
    LARGEST_COPY: gpu.largestCopy,
    CUDNN_ATTENTION: gpu.cudnnAttention === undefined ? undefined : Number(gpu.cudnnAttention),
    LOG: gpu.log,
    FAULTS: gpu.faults,
  };
  const given = Object.entries(all).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [`CUDA_STAND_IN_${name}`, String(value)]));
}

async function builtLibraries(python: Python): Promise<string> {
  const names = (await readdir(sources)).toSorted();
  const texts = await Promise.all(names.map((name) => readFile(join(sources, name), 'utf8')));
  return await cachedFolder('cuda-stand-in', [names, texts, libraryNames], async (folder) => {
    const findHeaders = 'import nvidia.cu13; print(nvidia.cu13.__path__[0])';
    const include = join((await python.run(findHeaders)).trim(), 'include');
    const options = ['-shared', '-fPIC', '-O1', '-std=c++17', '-Wall', '-Wextra', `-I${include}`];
    options.push(`-Wl,--version-script=${join(sources, 'versions.map')}`, '-Wl,-soname,libcuda-stand-in.so');
    const code = names.filter((name) => name.endsWith('.cpp')).map((name) => join(sources, name));
    await run('g++', [...options, '-o', join(folder, 'libcuda-stand-in.so'), ...code], limits);
    // One library under all names: the loader takes links to one file for one library.
    for (const name of libraryNames) await symlink('libcuda-stand-in.so', join(folder, name));
  });
}

async function fetchedProvider(python: Python): Promise<string> {
  const { version } = JSON.parse(await readFile(join(runtimeFolder, 'package.json'), 'utf8')) as { version: string };
  const runtime = join(runtimeFolder, 'bin/napi-v6/linux/x64/libonnxruntime.so.1');
  return await cachedFolder('cuda-provider', [version], async (folder) => {
    // The provider is the same for every Python.
    const wheel = [
      '--python-version',
      '3.12',
      '--platform',
      'manylinux_2_28_x86_64',
      '--only-binary',
      ':all:',
      '--no-deps',
    ];
    await pip(['download', ...wheel, '--dest', folder, `onnxruntime-gpu==${version}`]);
    await python.run(unpack, {}, folder);
    await symlink(relative(folder, runtime), join(folder, 'libonnxruntime.so.1'));
  });
}

const unpack = `
import glob, os, shutil, zipfile
[wheel] = glob.glob("*.whl")
with zipfile.ZipFile(wheel) as files:
    for name in ["libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"]:
        with files.open("onnxruntime/capi/" + name) as source, open(name, "wb") as target:
            shutil.copyfileobj(source, target)
os.remove(wheel)
`;
