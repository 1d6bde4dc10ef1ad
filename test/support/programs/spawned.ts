import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const programs = Object.freeze({
  server: new URL('./server-process.ts', import.meta.url),
  worker: new URL('./worker-process.ts', import.meta.url),
  bare: new URL('../../../bench/server/server-bare.ts', import.meta.url),
  soundstage: new URL('../../../src/main.ts', import.meta.url),
});

export interface SpawnOptions {
  readonly program: keyof typeof programs;
  /** Of the command line. */
  readonly parameters?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Flags of Node itself. */
  readonly flags?: readonly string[];
}

/** A process of this program, which a test may kill. Disposing it ends it gracefully where it still runs. */
export class Spawned implements AsyncDisposable {
  readonly process: ChildProcess;
  /** The first line it prints; undefined when it ended before that. */
  readonly firstLine: Promise<string | undefined>;
  readonly #ended: Promise<void>;
  #errors = '';

  constructor({ program, parameters = [], environment, flags = [] }: SpawnOptions) {
    const all = ['--disable-warning=ExperimentalWarning', ...flags, fileURLToPath(programs[program]), ...parameters];
    this.process = spawn(process.execPath, all, {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    const killAtExit = (): boolean => this.process.kill('SIGKILL');
    process.once('exit', killAtExit);
    this.#ended = once(this.process, 'exit').then(() => void process.off('exit', killAtExit));
    this.firstLine = Promise.race([firstLineOf(this.process), this.#ended.then(() => undefined)]);
  }

  /** What it wrote to stderr so far. */
  get errors(): string {
    return this.#errors;
  }

  /** Waits until it is ready, and returns its first line. */
  async ready(): Promise<string> {
    const line = await this.firstLine;
    if (line === undefined) throw new Error(`the process ended by itself: ${this.#errors}`);
    return line;
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.process.kill(signal);
    await this.#ended;
  }

  /** Bytes of memory it has; what it had at most is counted from now on. */
  async watchMemory(): Promise<number> {
    await writeFile(`/proc/${this.process.pid}/clear_refs`, '5');
    return await this.#memory('VmRSS');
  }

  /** Bytes of memory it had at most since `watchMemory`. */
  peakMemory(): Promise<number> {
    return this.#memory('VmHWM');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill('SIGTERM');
  }

  async #memory(name: string): Promise<number> {
    const status = await readFile(`/proc/${this.process.pid}/status`, 'utf8');
    return 1024 * Number(new RegExp(`${name}:\\s*(\\d+) kB`).exec(status)?.[1]);
  }
}

function firstLineOf({ stdout }: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    stdout?.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
    });
  });
}

/** A port that was free a moment ago, for a server that is to come back under the same address. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('the port is unknown');
  return address.port;
}
