import { type ErrorKind, SoundstageError } from '../shared/errors.ts';
import { fileTrouble } from '../shared/folders/file-trouble.ts';

/** Where a command writes. */
export interface TextOutput {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

export interface ReportingOptions {
  /** Errors are for programs: one line of JSON. */
  readonly json?: boolean | undefined;
}

/** What a command ends with; docs/command-line.md lists them. A defect ends with 1, as in any program of Node's. */
export const exitCodes: Readonly<Record<ErrorKind, number>> = Object.freeze({
  input: 2,
  weights: 3,
  device: 4,
  network: 5,
  crash: 6,
  // 128 and the number of SIGINT, as shells have it.
  cancelled: 130,
});

/** An error as `--json` has it on stderr. */
export interface ReportedError {
  readonly kind: ErrorKind;
  readonly message: string;
  /** Of the request, e.g. `num_frames`. */
  readonly field?: string | undefined;
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs a command: Ctrl-C, SIGTERM and the end of its terminal cancel it, and an error meant for the user is printed as its message alone with
 * an exit code that tells its kind. Anything else is a defect and keeps its stack.
 */
export async function reporting(
  stderr: TextOutput,
  action: (signal: AbortSignal) => Promise<void>,
  { json = false }: ReportingOptions = {},
): Promise<void> {
  const controller = new AbortController();
  const interrupt = (): void => controller.abort();
  for (const name of signals) process.once(name, interrupt);
  try {
    await action(controller.signal);
  } catch (error) {
    const reported = reportedError(error);
    if (reported === undefined) throw error;
    stderr.write(json ? jsonError(reported) : `${reported.message}\n`);
    process.exitCode = exitCodes[reported.kind];
  } finally {
    for (const name of signals) process.off(name, interrupt);
  }
}

export function jsonError(error: ReportedError): string {
  return `${JSON.stringify({ error })}\n`;
}

/** What a user is told of an error; undefined for a defect. */
export function reportedError(error: unknown): ReportedError | undefined {
  if (error instanceof SoundstageError) {
    const { kind, message, field } = error;
    return { kind, message, ...(field !== undefined && { field }) };
  }
  const message = troubleWithPath(error);
  return message === undefined ? undefined : { kind: 'device', message };
}

/** Folders and files are the user's choice or the machine's state: no defect. */
function troubleWithPath(error: unknown): string | undefined {
  const trouble = fileTrouble(error);
  if (trouble === undefined || !(error instanceof Error && 'path' in error)) return undefined;
  return error.path === undefined ? undefined : `${error.path} cannot be used: ${trouble}`;
}
