import { SoundstageError } from '../shared/errors.ts';
import { fileTrouble } from '../shared/folders/file-trouble.ts';

/** Where a command writes. */
export interface TextOutput {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs a command: Ctrl-C, SIGTERM and the end of its terminal cancel it, and an error meant for the user is printed as its message alone with
 * exit code 1. Anything else is a defect and keeps its stack.
 */
export async function reporting(stderr: TextOutput, action: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const interrupt = (): void => controller.abort();
  for (const name of signals) process.once(name, interrupt);
  try {
    await action(controller.signal);
  } catch (error) {
    const message = error instanceof SoundstageError ? error.message : troubleWithPath(error);
    if (message === undefined) throw error;
    stderr.write(`${message}\n`);
    process.exitCode = 1;
  } finally {
    for (const name of signals) process.off(name, interrupt);
  }
}

/** Folders and files are the user's choice or the machine's state: no defect. */
function troubleWithPath(error: unknown): string | undefined {
  const trouble = fileTrouble(error);
  if (trouble === undefined || !(error instanceof Error && 'path' in error)) return undefined;
  return error.path === undefined ? undefined : `${error.path} cannot be used: ${trouble}`;
}
