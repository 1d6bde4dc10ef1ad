/** The operating system's code of an error, or of what caused it, e.g. `ENOSPC`. */
export function systemCode(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = errorCode(cause);
    if (code !== undefined && /^E[A-Z0-9]+$/.test(code)) return code;
  }
  return undefined;
}

/** The code of an error itself, the operating system's or another; undefined where it has none. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Stands for an error of the operating system that is only known by its code, e.g. since it came from elsewhere. */
export function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}
