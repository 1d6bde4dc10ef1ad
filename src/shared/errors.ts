/**
 * What went wrong, as far as a caller has to tell cases apart:
 * - `input`: the request is at fault; `field` names the offending one
 * - `weights`: a checkpoint, LoRA or tokenizer file is missing, corrupt or does not fit
 * - `device`: the machine cannot do what was asked (no GPU, out of memory, disk full)
 * - `network`: a download failed
 * - `crash`: a child process died
 * - `cancelled`: the caller asked to stop
 */
export type ErrorKind = 'input' | 'weights' | 'device' | 'network' | 'crash' | 'cancelled';

export interface SoundstageErrorOptions {
  /** Name of the offending request field, e.g. `audio`. */
  readonly field?: string | undefined;
  readonly cause?: unknown;
}

/** An error whose message is written for the user: what is wrong and what to change, in one sentence. */
export class SoundstageError extends Error {
  override readonly name = 'SoundstageError';
  readonly kind: ErrorKind;
  readonly field: string | undefined;

  constructor(kind: ErrorKind, message: string, options: SoundstageErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.field = options.field;
  }
}

/** An error in a form that crosses a process boundary. */
export interface WireError {
  readonly kind: ErrorKind | 'internal';
  readonly message: string;
  readonly field?: string | undefined;
  readonly stack?: string | undefined;
}

export function toWireError(error: unknown): WireError {
  if (error instanceof SoundstageError) {
    return { kind: error.kind, message: error.message, field: error.field, stack: error.stack };
  }
  const known = error instanceof Error ? error : new Error(String(error));
  return { kind: 'internal', message: known.message, stack: known.stack };
}

export function fromWireError(wire: WireError): Error {
  if (wire.kind !== 'internal') return new SoundstageError(wire.kind, wire.message, { field: wire.field });
  const error = new Error(wire.message);
  if (wire.stack !== undefined) error.stack = wire.stack;
  return error;
}
