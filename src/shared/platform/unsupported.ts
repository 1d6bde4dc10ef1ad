import { readFileSync } from 'node:fs';

/** What decides whether the program can run. */
export interface Surroundings {
  readonly platform: string;
  readonly architecture: string;
  /** E.g. `24.1.0`. */
  readonly nodeVersion: string;
  /** Whether the C library of this process is musl. */
  readonly isMusl: boolean;
}

/** Where both native parts, ONNX Runtime and FFmpeg, have a build; docs/platforms.md says which of them are tested. */
const builds: Readonly<Record<string, readonly string[]>> = {
  linux: ['x64', 'arm64'],
  win32: ['x64', 'arm64'],
  darwin: ['arm64'],
};

const oldestNode = [22, 18] as const;

/** Why the program cannot run here, and what to do about it; undefined where it can. */
export function obstacleToRunning(here = surroundings()): string | undefined {
  const { platform, architecture, nodeVersion, isMusl } = here;
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  if (major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1])) {
    return `Soundstage needs Node ${oldestNode.join('.')} or newer, and this is ${nodeVersion}: get one from https://nodejs.org`;
  }
  if (platform === 'darwin' && architecture === 'x64') {
    return 'Soundstage does not run on Macs with Intel processors, for which ONNX Runtime has no build: use one with Apple silicon, Linux or Windows';
  }
  if (builds[platform]?.includes(architecture) !== true) {
    return `Soundstage does not run on ${platform} ${architecture}, for which ONNX Runtime has no build: use Linux or Windows on x64 or arm64, or a Mac with Apple silicon`;
  }
  if (isMusl) {
    return 'Soundstage does not run on Alpine or another Linux with musl, for which ONNX Runtime has no build: use one with glibc, such as Debian, Ubuntu or Fedora; in containers, an image like node:24-slim';
  }
  return undefined;
}

function surroundings(): Surroundings {
  const { platform, arch: architecture, versions } = process;
  return { platform, architecture, nodeVersion: versions.node, isMusl: platform === 'linux' && hasMuslLoader() };
}

/** Every process has the loader of its C library among its files. */
function hasMuslLoader(): boolean {
  try {
    return readFileSync('/proc/self/maps', 'utf8').includes('/ld-musl-');
  } catch {
    // Without /proc it is found out later, when the runtime is loaded.
    return false;
  }
}
