import { execFile } from 'node:child_process';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cachedFolder, ifItCanBeHad } from '../cached-folder.ts';

const run = promisify(execFile);
const limits = { timeout: 280_000, maxBuffer: 2 ** 26 };

/** A folder in which these packages are installed, e.g. `@fal-ai/client@1.2.3`; undefined where they cannot be had. */
export function nodePackages(...packages: readonly string[]): Promise<string | undefined> {
  return ifItCanBeHad(packages.join(', '), () =>
    cachedFolder('node', packages, async (folder) => {
      await writeFile(join(folder, 'package.json'), '{}');
      await run(
        'npm',
        ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', ...packages],
        limits,
      );
    }),
  );
}

/** A folder with the jars of this `<dependency>` and of what it needs; undefined without Maven or its registry. */
export function mavenJars(dependency: string): Promise<string | undefined> {
  return ifItCanBeHad('Java with Maven', async () => {
    await run('java', ['-version']);
    return await cachedFolder('java', dependency, async (folder) => {
      const project = `<modelVersion>4.0.0</modelVersion><groupId>clip</groupId><artifactId>clip</artifactId><version>1</version>`;
      await writeFile(
        join(folder, 'pom.xml'),
        `<project>${project}<dependencies>${dependency}</dependencies></project>`,
      );
      const copy = ['-q', '-B', '-f', join(folder, 'pom.xml'), 'dependency:copy-dependencies', '-DoutputDirectory=.'];
      await run('mvn', copy, limits);
    });
  });
}

/** Runs Rust programs with the same dependencies, which are built once. */
export interface Rust {
  /** Builds and runs `main.rs` in a new folder; returns what it prints. */
  run(folder: string, program: string, workingFolder: string): Promise<string>;
}

/** Rust with these lines of a `Cargo.toml`; undefined without Cargo or its registry. */
export function rustWith(dependencies: string): Promise<Rust | undefined> {
  return ifItCanBeHad('Rust with Cargo', async () => {
    const manifest = `[package]\nname = "clip"\nversion = "0.1.0"\nedition = "2021"\n${dependencies}`;
    const built = await cachedFolder('rust', manifest, async (folder) => {
      await writeProject(folder, manifest, 'fn main() {}');
      await run('cargo', ['build', '--quiet', '--manifest-path', join(folder, 'Cargo.toml')], limits);
    });
    return {
      run: async (folder, program, workingFolder) => {
        await writeProject(folder, manifest, program);
        await copyFile(join(built, 'Cargo.lock'), join(folder, 'Cargo.lock'));
        const cargo = ['run', '--quiet', '--offline', '--manifest-path', join(folder, 'Cargo.toml')];
        const env = { ...process.env, CARGO_TARGET_DIR: join(built, 'target') };
        const { stdout } = await run('cargo', cargo, { ...limits, env, cwd: workingFolder });
        return stdout;
      },
    };
  });
}

async function writeProject(folder: string, manifest: string, program: string): Promise<void> {
  await mkdir(join(folder, 'src'), { recursive: true });
  await writeFile(join(folder, 'Cargo.toml'), manifest);
  await writeFile(join(folder, 'src/main.rs'), program);
}
