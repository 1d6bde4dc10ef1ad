export const logLevels = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];
type Fields = Readonly<Record<string, unknown>>;

/** Writes one JSON object per line: `time`, `level`, `message` and the given fields. */
export type Logger = Readonly<Record<LogLevel, (message: string, fields?: Fields) => void>>;

/** A log that leaves out what is less urgent than `level`. */
export function jsonLogger(output: { write(text: string): unknown }, level: LogLevel): Logger {
  const shown = logLevels.indexOf(level);
  const writer =
    (own: LogLevel) =>
    (message: string, fields: Fields = {}): void => {
      if (logLevels.indexOf(own) > shown) return;
      output.write(`${JSON.stringify({ time: new Date().toISOString(), level: own, message, ...plain(fields) })}\n`);
    };
  return Object.freeze({ error: writer('error'), warn: writer('warn'), info: writer('info'), debug: writer('debug') });
}

/** Errors as their stack, which JSON would leave out. */
function plain(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? describe(value) : value]),
  );
}

function describe(error: Error): string {
  const own = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause instanceof Error ? `${own}\ncaused by ${describe(error.cause)}` : own;
}

/** Says that the data folder has gone, or is back. */
export function reportDataFolder(logger: Logger, trouble: Error | undefined): void {
  if (trouble === undefined) logger.info('the data folder is back');
  else logger.error('the data folder cannot be used', { error: trouble });
}
