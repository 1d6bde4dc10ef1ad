import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { Spawned } from '../support/programs/spawned.ts';
import type { Ledger, Victim } from './ledger.ts';

/** Programs of child processes, by what they do. */
const childKinds = ['engine', 'decode', 'encode', 'safety'] as const;

export interface RunningProcess {
  readonly kind: Victim;
  readonly pid: number;
}

/** Milliseconds. */
const pauseBeforeRestart = 2000;

/** The real server as a child process, which comes back under the same address after it was killed. */
export class ServerUnderTest implements AsyncDisposable {
  readonly url: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #ledger: Ledger;
  #process: Spawned | undefined;
  #starts = 0;

  private constructor(port: number, environment: Readonly<Record<string, string>>, ledger: Ledger) {
    this.url = `http://127.0.0.1:${port}`;
    this.#environment = { ...environment, SOUNDSTAGE_PORT: String(port) };
    this.#ledger = ledger;
  }

  static async start(
    port: number,
    environment: Readonly<Record<string, string>>,
    ledger: Ledger,
  ): Promise<ServerUnderTest> {
    const server = new ServerUnderTest(port, environment, ledger);
    await server.#start();
    return server;
  }

  /** Changes whenever the server goes; undefined while it is down. */
  get life(): number | undefined {
    return this.#process === undefined ? undefined : this.#starts;
  }

  /** The server and its children. */
  async processes(): Promise<readonly RunningProcess[]> {
    const pid = this.#process?.process.pid;
    if (pid === undefined) return [];
    return [{ kind: 'server', pid }, ...(await childrenOf(pid))];
  }

  /** Ends it, by a signal, and starts it again. */
  async restart(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    await process?.kill(signal);
    await this.#start();
  }

  /** Ends it gracefully; what it wrote in its last life. */
  async stop(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    await process?.kill('SIGTERM');
    if (process?.process.exitCode !== 0)
      this.#ledger.violation(`the server ended badly: ${process?.errors.slice(-500)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
  }

  async #start(): Promise<void> {
    const parameters = ['serve', '--device', 'cpu', '--log-level', 'error'];
    const process = new Spawned({ program: 'soundstage', parameters, environment: this.#environment });
    if ((await process.firstLine) === undefined) {
      this.#ledger.violation(`the server does not start: ${process.errors.slice(-500)}`);
      await wait(pauseBeforeRestart);
      return await this.#start();
    }
    this.#starts += 1;
    this.#process = process;
    process.process.once('exit', (code, signal) => {
      if (this.#process !== process) return;
      this.#process = undefined;
      this.#ledger.violation(`the server ended by itself, with ${signal ?? code}: ${process.errors.slice(-500)}`);
      void this.#start();
    });
  }
}

async function childrenOf(pid: number): Promise<readonly RunningProcess[]> {
  const pids = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const children = await Promise.all(
    pids
      .split(' ')
      .filter((text) => text !== '')
      .map(async (text) => {
        const command = await readFile(`/proc/${text}/cmdline`, 'utf8').catch(() => '');
        const kind = childKinds.find((each) => command.includes(`${each}-process`));
        return kind === undefined ? [] : [{ kind, pid: Number(text) }];
      }),
  );
  return children.flat();
}
