import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cachedFolder, ifItCanBeHad } from '../cached-folder.ts';

const run = promisify(execFile);
const installTimeLimit = 300_000;

/** A Python with some packages from PyPI. */
export interface Python {
  /** Path of the interpreter. */
  readonly executable: string;
  /**
   * Runs a program with nothing but `environment` around it and returns what it prints.
   *
   * @throws with the end of what it wrote to stderr
   */
  run(program: string, environment?: Readonly<Record<string, string>>, workingFolder?: string): Promise<string>;
}

/**
 * The machine's Python 3 with these requirements, installed once into a virtual environment. Undefined, with the reason
 * on stdout, where there is no Python or the packages cannot be had: their tests are skipped then.
 */
export function pythonWith(...requirements: readonly string[]): Promise<Python | undefined> {
  return ifItCanBeHad(`Python with ${requirements.join(', ')}`, async () => {
    const folder = await virtualEnvironment(requirements);
    return {
      executable: programOf(folder),
      run: (program, environment, workingFolder) => runProgram(folder, program, environment, workingFolder),
    };
  });
}

async function virtualEnvironment(requirements: readonly string[]): Promise<string> {
  return await cachedFolder('python', [await installedVersion(), requirements], async (folder) => {
    await run('python3', ['-m', 'venv', '--without-pip', folder]);
    // Python compiles what a program imports by itself; a package has far more.
    await pip(['--python', programOf(folder), 'install', '--no-compile', ...requirements]);
  });
}

/** Runs the pip of an environment that has nothing else: to install one for each takes longer than many a package. */
export async function pip(parameters: readonly string[]): Promise<void> {
  const folder = await cachedFolder('pip', await installedVersion(), async (made) => {
    await run('python3', ['-m', 'venv', made], { timeout: installTimeLimit });
  });
  const flags = ['-m', 'pip', '--quiet', '--disable-pip-version-check'];
  await run(programOf(folder), [...flags, ...parameters], { timeout: installTimeLimit, maxBuffer: 2 ** 26 });
}

async function installedVersion(): Promise<string> {
  const { stdout } = await run('python3', ['-c', 'import sys; print(sys.version, sys.base_prefix)']);
  return stdout;
}

async function runProgram(
  folder: string,
  program: string,
  environment: Readonly<Record<string, string>> = {},
  workingFolder?: string,
): Promise<string> {
  const env = { PATH: process.env.PATH ?? '', HOME: folder, PYTHONUTF8: '1', PYTHONUNBUFFERED: '1', ...environment };
  try {
    const { stdout } = await run(programOf(folder), ['-c', program], {
      env,
      cwd: workingFolder,
      timeout: 110_000,
      maxBuffer: 2 ** 26,
    });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string };
    throw new Error(`the Python program failed:\n${stdout.slice(-2000)}\n${stderr.slice(-4000)}`, { cause: error });
  }
}

function programOf(folder: string): string {
  return process.platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python');
}
