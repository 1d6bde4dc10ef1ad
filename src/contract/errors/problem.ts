import { truncate } from './truncate.ts';

/** One thing that is wrong with a request, as the platform reports it. */
export interface Problem {
  /** Path from `body`, e.g. `['body', 'loras', 0, 'scale']`. */
  readonly loc: readonly (string | number)[];
  /** Prose; may change. */
  readonly msg: string;
  /** What programs go by. */
  readonly type: string;
  readonly url: string;
  /** The type's parameters, e.g. `{ ge: 9 }`. */
  readonly ctx?: Readonly<Record<string, unknown>>;
  /** The offending value, unless it is large. */
  readonly input?: unknown;
}

export interface ProblemDetails {
  readonly type: string;
  readonly msg: string;
  readonly ctx?: Readonly<Record<string, unknown>> | undefined;
  readonly input?: unknown;
}

export function problem(path: readonly (string | number)[], { type, msg, ctx, input }: ProblemDetails): Problem {
  const shown = truncate(input);
  return {
    loc: ['body', ...path],
    msg,
    type,
    url: `https://docs.fal.ai/errors/#${type}`,
    ...(ctx !== undefined && { ctx }),
    ...(shown !== undefined && { input: shown }),
  };
}

/** The value at a path of a request; undefined where there is none. Inherited properties do not count. */
export function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key) ? Reflect.get(inner, key) : undefined,
    value,
  );
}
