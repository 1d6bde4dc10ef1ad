import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { baselineWasm } from '../databases/baseline-wasm.ts';

const main = join(import.meta.dirname, '../../../src/main.ts');

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `soundstage` as a user would. */
export async function soundstage(...args: readonly string[]): Promise<CommandResult> {
  return finished(startSoundstage(...args));
}

/** Leads a process group of its own, as a command started in a terminal does. */
export function startSoundstage(...args: readonly string[]): ChildProcess {
  return startSoundstageWith({}, ...args);
}

/** The same under settings. */
export function startSoundstageWith(
  settings: Readonly<Record<string, string>>,
  ...args: readonly string[]
): ChildProcess {
  return spawn(process.execPath, [...baselineWasm, '--disable-warning=ExperimentalWarning', main, ...args], {
    env: { ...process.env, ...settings },
    stdio: 'pipe',
    detached: true,
  });
}

export async function finished(child: ChildProcess): Promise<CommandResult> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (text) => {
    stdout += text;
  });
  child.stderr?.on('data', (text) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}
