import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deviceEnvironment } from '../device-environment.ts';
import { findInstallation } from '../installation.ts';
import type { RuntimePackage } from '../runtime-package.ts';
import { type InstallOptions, type InstallResult, installCuda } from './install-cuda.ts';
import { TestIndex, type TestWheel, testWheel } from './wheels.test-support.ts';

const isLinuxX64 = process.platform === 'linux' && process.arch === 'x64';
const provider = 'libonnxruntime_providers_cuda.so';
const commit = 'git-commit-id=f2c39fe2f, build type=Release';
const libraryNames = [
  'nvidia-cuda-runtime',
  'nvidia-cublas',
  'nvidia-curand',
  'nvidia-cuda-nvrtc',
  'nvidia-cudnn-cu13',
];
const majors = [13, 13, 10, 13, 9];

let index: TestIndex;
let folder: string;
let root: string;
let runtime: RuntimePackage;

beforeEach(async () => {
  index = await TestIndex.start();
  root = await mkdtemp(join(tmpdir(), 'soundstage-cuda-'));
  folder = join(root, 'cuda');
  runtime = { version: '1.30.0', library: join(root, 'libonnxruntime.so.1') };
  // In pieces as they are read, the commit lies across two of them.
  await writeFile(runtime.library, `${'x'.repeat(2 ** 20 - 8)}${commit}`);
  index.add(providerWheel(), ...libraryNames.map((name, i) => libraryWheel(name, `${majors[i]}.1.0`)));
});

afterEach(async () => {
  await index[Symbol.asyncDispose]();
  await rm(root, { recursive: true });
});

function providerWheel(version = '1.30.0', built = commit, options = {}): TestWheel {
  const files = {
    [`onnxruntime/capi/${provider}`]: randomBytes(50_000),
    'onnxruntime/capi/libonnxruntime_providers_shared.so': 'shared',
    'onnxruntime/capi/libonnxruntime_providers_tensorrt.so': 'not asked for',
    [`onnxruntime/capi/libonnxruntime.so.${version}`]: `another build of the same source: ${built}`,
    'onnxruntime/LICENSE': 'MIT',
    'onnxruntime/ThirdPartyNotices.txt': 'notices',
  };
  return testWheel('onnxruntime-gpu', version, files, options);
}

function libraryWheel(name: string, version: string, content = `${name} ${version}`): TestWheel {
  const folderName = `${name.replaceAll('-', '_')}-${version}.dist-info`;
  return testWheel(name, version, {
    [`nvidia/cu13/lib/lib${name}.so.13`]: content,
    'nvidia/cu13/include/header.h': 'not asked for',
    [`${folderName}/licenses/License.txt`]: 'license',
  });
}

function install(options: InstallOptions = {}): Promise<InstallResult> {
  return installCuda({
    indexUrl: index.url,
    env: { SOUNDSTAGE_CUDA_FOLDER: folder },
    runtime,
    retry: { attempts: 3, baseDelay: 1, maxDelay: 2 },
    ...options,
  });
}

const namesOf = ({ added }: InstallResult): readonly string[] => added.map(({ name, version }) => `${name} ${version}`);

test.skipIf(isLinuxX64)('elsewhere than on Linux on x64 there is nothing to install', async () => {
  await expect(install()).rejects.toMatchObject({ kind: 'device', message: expect.stringContaining('Linux on x64') });
});

const linuxTest = test.skipIf(!isLinuxX64);

linuxTest('the provider of the exact version is installed beside a copy of the runtime, and found there', async () => {
  index.add(providerWheel('1.29.0'), providerWheel('1.31.0'));
  const { installation, added } = await install();
  expect(added.map(({ version }) => version)).toEqual(['1.30.0']);
  expect(installation.libraries).toEqual([]);
  const files = await readdir(installation.provider.folder);
  expect(files.toSorted()).toEqual(
    [
      'contents.json',
      'libonnxruntime.so.1',
      provider,
      'libonnxruntime_providers_shared.so',
      'LICENSE',
      'ThirdPartyNotices.txt',
    ].toSorted(),
  );
  expect(await readFile(join(installation.provider.folder, 'libonnxruntime.so.1'))).toEqual(
    await readFile(runtime.library),
  );
  expect(findInstallation(folder, '1.30.0')).toEqual(installation);
  expect(findInstallation(folder, '1.31.0')).toBeUndefined();
  expect((await readdir(folder)).toSorted()).toEqual([
    'install.lock',
    'onnxruntime-1.30.0.json',
    'onnxruntime-gpu-1.30.0',
  ]);
});

linuxTest('libraries come on top: the newest release of each major, and none that was withdrawn', async () => {
  index.add(
    ...['13.10.0.2', '13.9.1', '14.0.0', '13.11.0rc1', '13.12.0'].map((version) =>
      libraryWheel('nvidia-cublas', version),
    ),
  );
  index.withdrawn.add('nvidia_cublas-13.12.0-py3-none-manylinux_2_28_x86_64.whl');
  await install();
  const { added, installation } = await install({ withLibraries: true });
  expect(added.map(({ name }) => name)).toEqual(libraryNames);
  expect(added.find(({ name }) => name === 'nvidia-cublas')?.version).toBe('13.10.0.2');
  const [first] = installation.libraries;
  expect((await readdir(first?.folder ?? '')).toSorted()).toEqual([
    'License.txt',
    'contents.json',
    'libnvidia-cuda-runtime.so.13',
  ]);
});

linuxTest('a second installation does nothing and asks nobody', async () => {
  await install({ withLibraries: true });
  const before = index.requests.length;
  expect(namesOf(await install({ withLibraries: true }))).toEqual([]);
  expect(namesOf(await install())).toEqual([]);
  expect(index.requests).toHaveLength(before);
});

linuxTest('what was damaged since is installed again, and nothing else', async () => {
  const { installation } = await install({ withLibraries: true });
  await truncate(join(installation.provider.folder, provider), 10);
  expect(findInstallation(folder, '1.30.0')).toBeUndefined();
  expect(namesOf(await install({ withLibraries: true }))).toEqual(['onnxruntime-gpu 1.30.0']);
});

linuxTest('another version of the runtime needs its own provider, and uses the libraries that are there', async () => {
  await install({ withLibraries: true });
  const newer = { ...runtime, version: '1.31.0' };
  index.add(providerWheel('1.31.0'));
  const { added, installation } = await install({ runtime: newer });
  expect(added.map(({ version }) => version)).toEqual(['1.31.0']);
  expect(installation.libraries).toHaveLength(5);
  expect(findInstallation(folder, '1.30.0')?.provider.version).toBe('1.30.0');
});

linuxTest('an index without JSON will do, and one that asks for a password gets it; the files do not', async () => {
  index.form = 'html';
  index.withdrawn.add('nvidia_cublas-13.2.0-py3-none-manylinux_2_28_x86_64.whl');
  index.add(libraryWheel('nvidia-cublas', '13.2.0'));
  const { added } = await install({ indexUrl: index.url.replace('//', '//me:secret@'), withLibraries: true });
  expect(added.find(({ name }) => name === 'nvidia-cublas')?.version).toBe('13.1.0');
  const authorization = `Basic ${Buffer.from('me:secret').toString('base64')}`;
  const seen = index.requests.map(({ path, authorization: sent }) => [path.endsWith('.whl'), sent] as const);
  expect(new Set(seen.filter(([isFile]) => !isFile).map(([, sent]) => sent))).toEqual(new Set([authorization]));
  expect(new Set(seen.filter(([isFile]) => isFile).map(([, sent]) => sent))).toEqual(new Set([undefined]));
});

linuxTest('PIP_INDEX_URL names the index, unless the flag does', async () => {
  const env = { SOUNDSTAGE_CUDA_FOLDER: folder, PIP_INDEX_URL: index.url };
  expect(namesOf(await install({ indexUrl: undefined, env }))).toEqual(['onnxruntime-gpu 1.30.0']);
});

linuxTest('a connection that breaks off is taken up where it ended', async () => {
  index.cutAfter = 20_000;
  await install();
  expect(index.fetches.map(({ range }) => range)).toEqual([undefined, 'bytes=20000-']);
});

linuxTest('an installation that failed goes on from what is there', async () => {
  index.cutAfter = 20_000;
  const failed = install({ retry: { attempts: 1 } });
  await expect(failed).rejects.toMatchObject({
    kind: 'network',
    message: expect.stringContaining('run the same command again'),
  });
  expect(findInstallation(folder, '1.30.0')).toBeUndefined();
  await install();
  expect(index.fetches.map(({ range }) => range)).toEqual([undefined, 'bytes=20000-']);
});

linuxTest('an installation that is cancelled leaves nothing that counts', async () => {
  const controller = new AbortController();
  const cancelled = install({ signal: controller.signal, onProgress: () => controller.abort() });
  await expect(cancelled).rejects.toMatchObject({ kind: 'cancelled' });
  expect(findInstallation(folder, '1.30.0')).toBeUndefined();
  expect(namesOf(await install())).toEqual(['onnxruntime-gpu 1.30.0']);
});

linuxTest('content of another hash than the index has is not used', async () => {
  index.hashes.set('onnxruntime_gpu-1.30.0-py3-none-manylinux_2_28_x86_64.whl', 'a'.repeat(64));
  await expect(install()).rejects.toMatchObject({
    kind: 'network',
    message: expect.stringContaining('arrived damaged twice'),
  });
  expect((await readdir(folder)).filter((name) => name.includes('gpu'))).toEqual([]);
});

linuxTest('a file of another hash than the wheel has is not used', async () => {
  index.add(providerWheel('1.30.0', commit, { recorded: { [`onnxruntime/capi/${provider}`]: 'something else' } }));
  await expect(install()).rejects.toMatchObject({
    kind: 'weights',
    message: expect.stringMatching(
      /the hash of libonnxruntime_providers_cuda\.so is not the one in its RECORD; fetch it again/,
    ),
  });
  expect((await readdir(folder)).filter((name) => name.includes('gpu'))).toEqual([]);
});

linuxTest('a wheel of another build of the runtime is refused', async () => {
  index.add(providerWheel('1.30.0', 'git-commit-id=0123456789'));
  await expect(install()).rejects.toMatchObject({
    kind: 'weights',
    message: expect.stringMatching(
      /was built from 0123456789 and onnxruntime-node 1\.30\.0 from f2c39fe2f, so they do not fit/,
    ),
  });
});

linuxTest.for([
  [
    'a version that is not there',
    () => ({ runtime: { ...runtime, version: '1.28.0' } }),
    /has no wheel of onnxruntime-gpu 1\.28\.0 for Linux on x64/,
  ],
  [
    'a package that is not there',
    () => ({ indexUrl: `${index.url}/other` }),
    /has no package onnxruntime-gpu: choose another with --index-url/,
  ],
  ['an index that is no URL', () => ({ indexUrl: 'pypi' }), /is not an http\(s\) URL/],
  [
    'a folder of wheels that is not there',
    () => ({ wheels: join(root, 'none') }),
    /the folder of wheels .* cannot be used: it does not exist/,
  ],
  [
    'a folder without the wheel',
    () => ({ wheels: root }),
    /has no wheel of onnxruntime-gpu 1\.30\.0 .* put that of onnxruntime-gpu==1\.30\.0 there/,
  ],
] as const)('%s is named', async ([, options, message]) => {
  await expect(install(options())).rejects.toMatchObject({ kind: 'input', message: expect.stringMatching(message) });
});

linuxTest('wheels in a folder are taken without a network, and stay there', async () => {
  const wheels = join(root, 'wheels');
  await mkdir(wheels);
  for (const [file, bytes] of index.wheels) await writeFile(join(wheels, file), bytes);
  const { added } = await install({ wheels, withLibraries: true, indexUrl: 'http://127.0.0.1:9' });
  expect(added).toHaveLength(6);
  expect(await readdir(wheels)).toHaveLength(6);
  expect(index.requests).toEqual([]);
});

linuxTest('a wheel that is cut off says so', async () => {
  const wheels = join(root, 'wheels');
  await mkdir(wheels);
  const { file, bytes } = providerWheel();
  await writeFile(join(wheels, file), bytes.subarray(0, bytes.length / 2));
  await expect(install({ wheels })).rejects.toMatchObject({
    kind: 'weights',
    message: expect.stringMatching(/is damaged or no wheel/),
  });
});

linuxTest(
  'a process that runs networks finds the runtime first, then what is its own, then the libraries',
  async () => {
    const { installation } = await install({ withLibraries: true });
    expect(
      deviceEnvironment(
        undefined,
        { LD_LIBRARY_PATH: '/mine::/too', SOUNDSTAGE_CUDA_FOLDER: folder },
        '1.30.0',
      ).LD_LIBRARY_PATH?.split(':'),
    ).toEqual([installation.provider.folder, '/mine', '/too', ...installation.libraries.map((each) => each.folder)]);
    // Otherwise the first GPU of the runtime is the fastest one, and not the one whose memory was looked at.
    expect(deviceEnvironment(undefined, { SOUNDSTAGE_CUDA_FOLDER: folder }, '1.29.0')).toEqual({
      CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
    });
    expect(deviceEnvironment('GPU-1', { SOUNDSTAGE_CUDA_FOLDER: folder }, '1.29.0')).toEqual({
      CUDA_VISIBLE_DEVICES: 'GPU-1',
      CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
    });
  },
);
