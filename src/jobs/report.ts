type Level = 'error' | 'warn' | 'info' | 'debug';

/** Tells the operator what goes on. */
export type Report = Readonly<Record<Level, (message: string, fields?: Readonly<Record<string, unknown>>) => void>>;
