import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { putEmptyDatabase } from '../support/databases/databases.ts';
import type { Block, Execution } from './blocks.ts';
import { root } from './documents.ts';

/** Milliseconds one block may take, on a machine that is busy with other things. */
export const blockTimeLimit = 240_000;

export interface ReaderOptions {
  /** Where the reader's files are. */
  readonly home: string;
  /** What the reader has replaced in what is printed, by what. */
  readonly replacements: ReadonlyMap<string, string>;
  /** Folders of programs, before those of this machine. */
  readonly programs: readonly string[];
}

/** Somebody who reads one document and types everything in it into one terminal. */
export class Reader {
  readonly #options: ReaderOptions;
  readonly #folder: string;
  #blocks = 0;

  private constructor(options: ReaderOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
  }

  /** @param folder made for a working copy of the project, which consists of links except for what npm must find */
  static async sitDown(folder: string, options: ReaderOptions): Promise<Reader> {
    await mkdir(folder, { recursive: true });
    const names = (await readdir(root)).filter(
      (name) => !name.startsWith('.') && !/\.(?:mp4|webm|mov|gif)$/.test(name),
    );
    await Promise.all(
      names.filter((name) => name !== 'package.json').map((name) => symlink(join(root, name), join(folder, name))),
    );
    await copyFile(join(root, 'package.json'), join(folder, 'package.json'));
    return new Reader(options, folder);
  }

  /** Runs a block and returns what it prints. @throws Error with that, where it fails */
  async run(block: Block, { language, until }: Execution): Promise<string> {
    const text = this.#adapted(block.text);
    this.#blocks += 1;
    const command = language === 'bash' ? text : await this.#command(language, text);
    // What one block exports the next one finds, as in a terminal.
    const script = `set -euo pipefail\n[ ! -f .exports ] || . ./.exports\n${command}\nexport -p > .exports`;
    const environment = until === undefined ? {} : await this.#aloneOnThePort();
    const child = spawn('bash', ['-c', script], {
      cwd: this.#folder,
      env: { ...this.#environment(), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    return await outputOf(child, until);
  }

  async #command(language: Exclude<Execution['language'], 'bash'>, text: string): Promise<string> {
    const [program, extension] = {
      javascript: ['node', 'mjs'],
      typescript: ['node', 'mts'],
      python: ['python3', 'py'],
    }[language] as [string, string];
    const name = `block-${this.#blocks}.${extension}`;
    await writeFile(join(this.#folder, name), text);
    return `${program} ${name}`;
  }

  #adapted(text: string): string {
    let adapted = text;
    for (const [printed, here] of this.#options.replacements) adapted = adapted.replaceAll(printed, here);
    return adapted;
  }

  #environment(): Readonly<Record<string, string>> {
    const { home, programs } = this.#options;
    const path = [...programs, dirname(process.execPath), join(root, 'node_modules/.bin'), process.env.PATH ?? ''];
    return {
      PATH: path.join(delimiter),
      HOME: home,
      LANG: 'C.UTF-8',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      npm_config_update_notifier: 'false',
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '',
    };
  }

  /** A server of its own beside the one that everybody uses. */
  async #aloneOnThePort(): Promise<Readonly<Record<string, string>>> {
    const data = join(this.#folder, `data-${this.#blocks}`);
    await mkdir(data);
    await putEmptyDatabase(data);
    return { PORT: '0', SOUNDSTAGE_PORT: '0', SOUNDSTAGE_DATA: data };
  }
}

/** @param until ends the command, and all it started, once it has printed this */
async function outputOf(child: ChildProcess, until: string | undefined): Promise<string> {
  let output = '';
  let isEnded = false;
  const end = (signal: NodeJS.Signals): void => {
    isEnded = true;
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch (error) {
      // It was faster.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  const read = (text: string): void => {
    output += text;
    if (until !== undefined && !isEnded && output.includes(until)) end('SIGTERM');
  };
  child.stdout?.setEncoding('utf8').on('data', read);
  child.stderr?.setEncoding('utf8').on('data', read);
  const timer = setTimeout(() => end('SIGKILL'), blockTimeLimit);
  const killAtExit = (): void => end('SIGKILL');
  process.once('exit', killAtExit);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  process.off('exit', killAtExit);
  clearTimeout(timer);
  const isDone = until === undefined ? code === 0 : output.includes(until);
  if (!isDone) throw new Error(`exit code ${code}${until === undefined ? '' : `, without "${until}"`}:\n${output}`);
  return output;
}
