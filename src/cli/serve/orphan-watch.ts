/** Milliseconds between looks. */
const pause = 500;

/**
 * A signal that also ends a server whose starter is gone. npm starts programs through a shell and passes signals on to that
 * shell alone, so a server that npm started would stay behind: its parent is another one then.
 *
 * @param environment tells whether npm started this process
 */
export function endsWithStarter(
  signal: AbortSignal,
  environment: NodeJS.ProcessEnv = process.env,
): Disposable & { readonly signal: AbortSignal } {
  if (environment.npm_lifecycle_event === undefined) return { signal, [Symbol.dispose]: () => {} };
  const controller = new AbortController();
  const starter = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid !== starter) controller.abort();
  }, pause);
  timer.unref();
  return {
    signal: AbortSignal.any([signal, controller.signal]),
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
