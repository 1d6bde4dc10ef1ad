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
  /** The offending request field, e.g. `audio` or `loras.0.path`. */
  readonly field?: string | undefined;
  /** The endpoint's error type, where it does not follow from kind and field, e.g. `file_download_error`. */
  readonly type?: string | undefined;
  /** Parameters of the type, e.g. `{ max_size: 1000 }`. */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/** An error whose message is written for the user: what is wrong and what to change, in one sentence. */
export class SoundstageError extends Error {
  override readonly name = 'SoundstageError';
  readonly kind: ErrorKind;
  readonly field: string | undefined;
  readonly type: string | undefined;
  readonly context: Readonly<Record<string, unknown>> | undefined;

  constructor(kind: ErrorKind, message: string, options: SoundstageErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.field = options.field;
    this.type = options.type;
    this.context = options.context;
  }
}
