import { SoundstageError } from '../shared/errors.ts';

/** Where a command writes. */
export interface TextOutput {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/**
 * Runs a command: Ctrl-C and SIGTERM cancel it, and an error meant for the user is printed as its message alone with
 * exit code 1. Anything else is a defect and keeps its stack.
 */
export async function reporting(stderr: TextOutput, action: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const interrupt = (): void => controller.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    await action(controller.signal);
  } catch (error) {
    if (!(error instanceof SoundstageError)) throw error;
    stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}
