import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import type { AppEnv } from '../app-env.ts';

type CorsOptions = NonNullable<Parameters<typeof cors>[0]>;

/** Tells browsers which pages may read the replies; see `KeylessGuard` for which they are. */
export function crossOrigin(options: Omit<CorsOptions, 'origin'>): MiddlewareHandler<AppEnv> {
  const all = cors({ ...options, origin: '*' });
  const one = cors({ ...options, origin: (_origin, c) => c.var.allowedOrigin });
  return (c, next) => (c.var.allowedOrigin === '*' ? all(c, next) : one(c, next));
}
