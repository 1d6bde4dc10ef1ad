import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import type { HostTensor } from '../../src/graph/runtime/host-tensor.ts';
import { type Checkpoint, openCheckpoint } from '../../src/graph/weights/checkpoint.ts';
import { writeSafetensors } from '../../src/graph/weights/safetensors-writer.ts';

/** What it computes in. */
export type ReferenceType = 'float32' | 'bfloat16';

/** What an evaluation took. */
export interface ReferenceTime {
  /** Of the processor. */
  readonly seconds: number;
  readonly wall: number;
}

/** The published reference implementation in PyTorch, in a process of its own. Dispose it. */
export class PublishedReference implements AsyncDisposable {
  readonly #child: ChildProcess & { readonly stdin: Writable };
  readonly #lines: Interface;
  readonly #replies: AsyncIterator<string>;
  /** Where tensors are handed over. */
  readonly #folder: string;

  private constructor(child: ChildProcess & { readonly stdin: Writable; readonly stdout: Readable }, folder: string) {
    this.#child = child;
    this.#folder = folder;
    this.#lines = createInterface({ input: child.stdout });
    this.#replies = this.#lines[Symbol.asyncIterator]();
  }

  /**
   * @param folder the checked-out repository `Lightricks/LTX-2`
   * @param threads of the processor
   */
  static async start(folder: string, threads: number): Promise<PublishedReference> {
    const code = join(resolve(folder), 'packages/ltx-core/src');
    if (!(await exists(join(code, 'ltx_core'))))
      throw new Error(`${code} does not hold the reference's code (ltx_core)`);
    const env = { ...process.env, PYTHONPATH: code, OMP_NUM_THREADS: String(threads) };
    const child = spawn(await pythonEnvironment(), [join(import.meta.dirname, 'published.py')], {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const exchange = join(import.meta.dirname, '../work/reference');
    await mkdir(exchange, { recursive: true });
    return new PublishedReference(child, exchange);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Loads a network of a checkpoint by `randomCheckpoint`, in some types and with its inputs. Lets go of the one before. */
  async open(
    network: string,
    checkpoint: string,
    inputs: Readonly<Record<string, HostTensor>>,
    types: readonly ReferenceType[],
  ): Promise<void> {
    const path = join(this.#folder, 'inputs.safetensors');
    const tensors = Object.entries(inputs).map(([name, { dtype, shape, data }]) => ({
      name,
      dtype,
      shape,
      bytes: () => new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    }));
    await writeSafetensors(path, tensors);
    const files = {
      bundle: join(checkpoint, 'random.safetensors'),
      upscaler: join(checkpoint, 'random-spatial-upscaler-x2.safetensors'),
      gemma: join(checkpoint, 'gemma'),
    };
    await this.#call({ command: 'open', network, files, inputs: path, types });
  }

  /** @returns what one of `times` evaluations took */
  async run(dtype: ReferenceType, times = 1): Promise<ReferenceTime> {
    return (await this.#call({ command: 'run', dtype, times })) as ReferenceTime;
  }

  /** Evaluates once. */
  async outputs(dtype: ReferenceType): Promise<ReferenceTime & { readonly outputs: Checkpoint }> {
    const path = join(this.#folder, 'outputs.safetensors');
    const time = (await this.#call({ command: 'run', dtype, outputs: path })) as ReferenceTime;
    return { ...time, outputs: await openCheckpoint(path) };
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
