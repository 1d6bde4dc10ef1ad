import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { probeDeviceSafely } from '../../src/graph/runtime/device-probe.ts';
import { installedFolder } from './installed-folder.ts';
import { type StandInGpu, standInCuda } from './stand-in.ts';
import { readStandInLog } from './stand-in-log.ts';

const cuda = await standInCuda();
const folder = await mkdtemp(join(tmpdir(), 'soundstage-trouble-'));
afterAll(() => rm(folder, { recursive: true }));
const cudaTest = test.skipIf(cuda === undefined);

beforeEach(() => {
  vi.stubEnv('SOUNDSTAGE_CUDA_FOLDER', join(folder, 'none'));
  vi.stubEnv('LD_LIBRARY_PATH', '');
});

afterEach(() => {
  vi.unstubAllEnvs();
});

/** What is said of CUDA on a machine with such a GPU, and such files that the loader finds. */
async function reasonWith(
  gpu: StandInGpu,
  libraries = cuda?.libraries ?? '',
  provider = cuda?.provider ?? '',
): Promise<string> {
  for (const [name, value] of Object.entries(cuda?.environment(gpu) ?? {})) vi.stubEnv(name, value);
  vi.stubEnv('LD_LIBRARY_PATH', [provider, libraries].filter((each) => each !== '').join(':'));
  const report = await probeDeviceSafely('cuda');
  return report.usable ? 'works' : report.reason;
}

/** The libraries but for some. */
async function without(...missing: readonly string[]): Promise<string> {
  const target = await mkdtemp(join(folder, 'libraries-'));
  for (const name of await readdir(cuda?.libraries ?? '')) {
    if (!missing.includes(name)) await symlink(join(cuda?.libraries ?? '', name), join(target, name));
  }
  return target;
}

cudaTest('without the provider, it says how to install it', async () => {
  expect(await reasonWith({}, undefined, '')).toBe(
    "ONNX Runtime's CUDA part is not installed: run `soundstage gpu install --with-cuda-libraries`",
  );
});

cudaTest('what is installed is found and used, and the stand-in computes nothing', async () => {
  vi.stubEnv('SOUNDSTAGE_CUDA_FOLDER', await installedFolder(cuda));
  expect(await reasonWith({}, undefined, '')).toMatch(/^it computes wrongly/);
});

cudaTest('what is installed for another version is not used', async () => {
  vi.stubEnv('SOUNDSTAGE_CUDA_FOLDER', await installedFolder(cuda, '1.2.3'));
  expect(await reasonWith({}, undefined, '')).toMatch(
    /is installed for version 1\.2\.3, not for .*: run `soundstage gpu install` again$/,
  );
});

cudaTest('libraries that are missing are named, all of them', async () => {
  const some = await without('libcurand.so.10', 'libcublasLt.so.13');
  expect(await reasonWith({}, some)).toMatch(
    /^libraries are missing \(libcublasLt\.so\.13, libcurand\.so\.10, .*\): run/,
  );
});

cudaTest('libraries of another CUDA are named', async () => {
  const others = await without('libcublas.so.13');
  await symlink(join(cuda?.libraries ?? '', 'libcublas.so.13'), join(others, 'libcublas.so.12'));
  expect(await reasonWith({}, others)).toMatch(
    /^CUDA 13 is needed, and the libraries here are of another version \(libcublas\.so\.12; missing: /,
  );
});

cudaTest('without cuDNN, it is what is missing', async () => {
  expect(await reasonWith({}, await without('libcudnn.so.9', 'libcudnn.so'))).toMatch(
    /^libraries are missing \(libcudnn\.so\.9, .*run `/,
  );
});

cudaTest.for<[string, StandInGpu, RegExp]>([
  [
    'a driver that is too old',
    { driver: 12080 },
    /driver is too old for CUDA 13 \(CUDA failure 35: .*\): install version 580 or newer$/,
  ],
  [
    'no GPU',
    { devices: 0 },
    /^the driver finds no GPU \(CUDA failure 100: no CUDA-capable device is detected\): look at/,
  ],
  ['a GPU without memory', { memory: 1e-6 }, /^the GPU is out of memory: /],
])('%s is what is wrong', async ([, gpu, reason]) => {
  expect(await reasonWith(gpu)).toMatch(reason);
});

cudaTest.for<[string, string, RegExp]>([
  [
    'has no code for the GPU',
    'cudaLaunchKernel 209 0',
    /no code for the generation of the GPU \(CUDA failure 209: .*use another GPU$/,
  ],
  ['is lost', 'cudaMemcpy 719 2', /^the GPU failed \(CUDA failure 719: unspecified launch failure\): .*"Xid"/],
  ['is taken', 'cudaSetDevice 46 0', /^another program has the GPU for itself \(CUDA failure 46: /],
])('a GPU that %s is what is wrong', async ([title, fault, reason]) => {
  const faults = join(folder, title);
  await writeFile(faults, fault);
  expect(await reasonWith({ faults })).toMatch(reason);
});

cudaTest.for([true, false])(
  'attention is computed by cuDNN, or else by the runtime itself (%s)',
  async (cudnnAttention) => {
    const log = join(folder, `attention-${cudnnAttention}`);
    // All that a stand-in has to say against its results: no kernel computes any.
    expect(await reasonWith({ cudnnAttention, log })).toMatch(/^it computes wrongly/);
    const { launches } = await readStandInLog(log);
    expect([...launches.keys()].some((kernel) => kernel.includes('flash::flash_fwd'))).toBe(!cudnnAttention);
  },
);
