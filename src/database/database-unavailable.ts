import { SoundstageError } from '../shared/errors.ts';
import { errorCode } from '../shared/system-code.ts';

/** The database cannot be reached, or cannot go on for now: the same may succeed later. */
export class DatabaseUnavailable extends SoundstageError {
  constructor(cause: unknown) {
    super('network', 'the database does not answer: see that it runs, and try again', { cause });
  }
}

/**
 * PostgreSQL's codes for a broken connection, exhausted resources (a full disk among them), an operator's
 * intervention, a failed disk, and a server that only reads because another one is the first now.
 */
const outages = /^(?:08...|53...|57P0[123]|58030|25006)$/;

/** Whether an error that the database answered with says that it cannot go on for now. */
export function isOutageAnswer(error: unknown): boolean {
  const code = errorCode(error);
  return code !== undefined && outages.test(code);
}
