import { mkdir, mkdtemp, readdir, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { runtimePackage } from '../../src/cuda/runtime-package.ts';
import type { StandInCuda } from './stand-in.ts';

/** A folder for one test, as `soundstage gpu install` leaves it, with links instead of files. */
export async function installedFolder(
  cuda: StandInCuda | undefined,
  version = runtimePackage().version,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-installed-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const name = `onnxruntime-gpu-${version}`;
  await mkdir(join(folder, name));
  const files: Record<string, number> = {};
  for (const file of await readdir(cuda?.provider ?? '')) {
    const path = await realpath(join(cuda?.provider ?? '', file));
    await symlink(path, join(folder, name, file));
    files[file] = (await stat(path)).size;
  }
  await writeFile(join(folder, name, 'contents.json'), JSON.stringify({ name: 'onnxruntime-gpu', version, files }));
  await writeFile(join(folder, `onnxruntime-${version}.json`), JSON.stringify({ packages: [name] }));
  return folder;
}
