import { execFile } from 'node:child_process';
import { copyFile, cp, link, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

/** Soundstage as its users get it: packed, and installed by npm into a folder that had nothing in it. */
export interface InstalledPackage extends AsyncDisposable {
  /** Where it was installed; users would work here. */
  readonly folder: string;
  /** Bytes of the file that would be published. */
  readonly packedSize: number;
  /** Of the package, below the folder. */
  readonly packageFolder: string;
  /** For programs that run here: nothing of the project's own is on the path but Node and npm. */
  readonly environment: NodeJS.ProcessEnv;
}

/** Packs the project, which compiles it, and has npm install that. npm asks no registry: what it depends on is here. */
export async function installPackage(): Promise<InstalledPackage> {
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'soundstage-package-'));
  opened.defer(() => rm(folder, { recursive: true }));
  const environment = {
    PATH: [dirname(process.execPath), process.env.PATH ?? ''].join(delimiter),
    HOME: folder,
    SYSTEMROOT: process.env.SYSTEMROOT,
    npm_config_cache: join(folder, 'npm-cache'),
    npm_config_update_notifier: 'false',
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
  };
  const npm = async (parameters: readonly string[], cwd: string): Promise<void> => {
    const shell = process.platform === 'win32';
    await run('npm', parameters, { cwd, env: environment, shell, maxBuffer: 2 ** 26 });
  };
  // What `npm pack` would do by itself, less the set-up, which may replace the packages that other tests run on.
  await run(process.execPath, ['--disable-warning=ExperimentalWarning', join(root, 'scripts/build-package.ts')]);
  await npm(['pack', '--ignore-scripts', '--pack-destination', folder], root);
  const [tarball = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  await layOutDependencies(folder);
  await npm(['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', join(folder, tarball)], folder);
  const packedSize = (await stat(join(folder, tarball))).size;
  const packageFolder = join(folder, 'node_modules/soundstage');
  const owned = opened.move();
  return { folder, packedSize, packageFolder, environment, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const packageSchema = z.object({ dev: z.boolean().default(false), bin: z.record(z.string(), z.string()).default({}) });
const lockSchema = z.object({ packages: z.record(z.string(), packageSchema) });

/**
 * Puts the packages that are not for development alone where npm would have put them. If Soundstage needs another, npm misses
 * it when it installs.
 */
async function layOutDependencies(folder: string): Promise<void> {
  const lock = lockSchema.parse(JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')));
  for (const [path, { dev, bin }] of Object.entries(lock.packages)) {
    const isHere = path !== '' && (await stat(join(root, path)).catch(() => undefined)) !== undefined;
    if (dev || !isHere) continue;
    await linkFiles(join(root, path), join(folder, path));
    // A package whose commands are not linked is fetched again.
    for (const name of Object.keys(bin)) await copyCommand(join(dirname(path), '.bin', name), folder);
  }
}

/** On Windows a command is several files. */
async function copyCommand(path: string, folder: string): Promise<void> {
  for (const name of [path, `${path}.cmd`, `${path}.ps1`]) {
    const options = { verbatimSymlinks: true, recursive: true };
    await cp(join(root, name), join(folder, name), options).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
}

async function linkFiles(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    // The packages inside of a package have entries of their own.
    if (entry.isDirectory() && entry.name !== 'node_modules') await linkFiles(source, target);
    if (!entry.isFile()) continue;
    // A link where that is possible: it is a few hundred megabytes.
    await link(source, target).catch(() => copyFile(source, target));
  }
}
