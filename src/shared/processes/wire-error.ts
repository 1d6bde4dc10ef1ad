import { type ErrorKind, SoundstageError } from '../errors.ts';
import { systemCode, systemError } from '../system-code.ts';

/** An error in a form that crosses a process boundary. */
export interface WireError {
  readonly kind: ErrorKind | 'internal';
  readonly message: string;
  readonly field?: string | undefined;
  readonly type?: string | undefined;
  readonly context?: Readonly<Record<string, unknown>> | undefined;
  /** The operating system's, where that is the cause. */
  readonly code?: string | undefined;
  readonly stack?: string | undefined;
}

export function toWireError(error: unknown): WireError {
  if (error instanceof SoundstageError) {
    const { kind, message, field, type, context, stack } = error;
    return { kind, message, field, type, context, code: systemCode(error), stack };
  }
  const known = error instanceof Error ? error : new Error(String(error));
  return { kind: 'internal', message: known.message, code: systemCode(error), stack: known.stack };
}

export function fromWireError(wire: WireError): Error {
  const { kind, field, type, context, code } = wire;
  const cause = code === undefined ? undefined : systemError(code);
  if (kind !== 'internal') return new SoundstageError(kind, wire.message, { field, type, context, cause });
  const error = new Error(wire.message, cause && { cause });
  if (wire.stack !== undefined) error.stack = wire.stack;
  return error;
}
