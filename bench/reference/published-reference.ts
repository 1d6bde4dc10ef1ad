import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';

/** What it computes in. */
export type ReferenceType = 'float32' | 'bfloat16';

/** Files of one set of weights. */
export interface ReferenceWeights {
  readonly bundle: string;
  readonly upscaler: string;
  readonly gemma: string;
}

/** The published reference implementation in PyTorch, in a process of its own on one core. Dispose it. */
export class PublishedReference implements AsyncDisposable {
  readonly #child: ChildProcess & { readonly stdin: Writable };
  readonly #lines: Interface;
  readonly #replies: AsyncIterator<string>;

  private constructor(child: ChildProcess & { readonly stdin: Writable; readonly stdout: Readable }) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout });
    this.#replies = this.#lines[Symbol.asyncIterator]();
  }

  /** @param folder the checked-out repository `Lightricks/LTX-2` */
  static async start(folder: string): Promise<PublishedReference> {
    const code = join(resolve(folder), 'packages/ltx-core/src');
    if (!(await exists(join(code, 'ltx_core'))))
      throw new Error(`${code} does not hold the reference's code (ltx_core)`);
    const env = { ...process.env, PYTHONPATH: code, OMP_NUM_THREADS: '1' };
    const child = spawn(await pythonEnvironment(), [join(import.meta.dirname, 'published.py')], {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    return new PublishedReference(child);
  }

  /** Loads a network in both types, with its inputs from a safetensors file. Lets go of the one before. */
  async open(network: string, files: ReferenceWeights, inputs: string): Promise<void> {
    await this.#call({ command: 'open', network, files, inputs });
  }

  /**
   * @param outputs a safetensors file to write the results to
   * @returns CPU seconds of one of `times` evaluations
   */
  async run(dtype: ReferenceType, times: number, outputs?: string): Promise<number> {
    const { seconds } = (await this.#call({ command: 'run', dtype, times, outputs })) as { readonly seconds: number };
    return seconds;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end();
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
    this.#lines.close();
  }

  async #call(command: object): Promise<unknown> {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
    const { done, value } = await this.#replies.next();
    if (done) throw new Error('the reference ended; what it printed says why');
    return JSON.parse(value);
  }
}

/** Makes the Python environment that the reference needs, once; returns its interpreter. */
async function pythonEnvironment(): Promise<string> {
  const folder = join(import.meta.dirname, '../../node_modules/.cache/soundstage/reference');
  const requirements = join(import.meta.dirname, 'requirements.txt');
  const [python, installed] = [join(folder, 'bin/python'), join(folder, 'installed')];
  const [wanted, done] = await Promise.all([stat(requirements), stat(installed).catch(() => undefined)]);
  if (done !== undefined && done.mtimeMs > wanted.mtimeMs) return python;
  process.stderr.write('installing PyTorch for the reference, some 5 GB\n');
  await mkdir(folder, { recursive: true });
  await promisify(execFile)('python3', ['-m', 'venv', folder]);
  await promisify(execFile)(python, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements]);
  await writeFile(installed, '');
  return python;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
