import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Survives `git clean` no worse than the installed packages do. */
const cacheFolder = join(import.meta.dirname, '../../node_modules/.cache/soundstage');
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
  run(program: string, environment?: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<string>;
}

/**
 * The machine's Python 3 with these requirements, installed once into a virtual environment. Undefined, with the reason
 * on stdout, where there is no Python or the packages cannot be had: their tests are skipped then.
 */
export async function pythonWith(...requirements: readonly string[]): Promise<Python | undefined> {
  try {
    const folder = await virtualEnvironment(requirements);
    return {
      executable: programOf(folder),
      run: (program, environment, ...args) => runProgram(folder, program, environment, args),
    };
  } catch (error) {
    process.stdout.write(`not run: Python with ${requirements.join(', ')}: ${lastLine(error)}\n`);
    return undefined;
  }
}

async function virtualEnvironment(requirements: readonly string[]): Promise<string> {
  const { stdout: version } = await run('python3', ['-c', 'import sys; print(sys.version, sys.base_prefix)']);
  const key = createHash('sha256')
    .update(JSON.stringify([version, requirements]))
    .digest('hex')
    .slice(0, 16);
  const folder = join(cacheFolder, `python-${key}`);
  const isReady = await access(folder).then(
    () => true,
    () => false,
  );
  if (isReady) return folder;
  // Made aside and moved into place, so that half an environment is never taken for a whole one.
  const making = `${folder}.${randomUUID()}`;
  await mkdir(cacheFolder, { recursive: true });
  try {
    await run('python3', ['-m', 'venv', making], { timeout: installTimeLimit });
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...requirements];
    await run(programOf(making), install, { timeout: installTimeLimit, maxBuffer: 2 ** 26 });
    await rename(making, folder).catch(async (error: NodeJS.ErrnoException) => {
      // Another test file was faster.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return folder;
}

async function runProgram(
  folder: string,
  program: string,
  environment: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<string> {
  const env = { PATH: process.env.PATH ?? '', HOME: folder, PYTHONUTF8: '1', PYTHONUNBUFFERED: '1', ...environment };
  try {
    const { stdout } = await run(programOf(folder), ['-c', program, ...args], {
      env,
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

function lastLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split('\n').at(-1) ?? '';
}
