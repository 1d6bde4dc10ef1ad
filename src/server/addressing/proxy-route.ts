import { Hono } from 'hono';
import type { AppContext, AppEnv } from '../app-env.ts';
import { methodNotAllowed } from '../replies.ts';
import { locate, originOfHost } from './origins.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'];

export interface ProxyDependencies {
  /** Answers a request as if it had come in by itself. */
  readonly dispatch: (request: Request, bindings: AppEnv['Bindings']) => Response | Promise<Response>;
  readonly publicUrl: string | undefined;
}

/**
 * The route that browser clients send everything to, with the address they mean in `x-fal-target-url`. Nothing is
 * forwarded: what the address stands for is answered here, and any other address is refused.
 */
export function proxyRoute({ dispatch, publicUrl }: ProxyDependencies): Hono<AppEnv> {
  const route = new Hono<AppEnv>();
  route.all('/*', (c) => {
    if (!methods.includes(c.req.method)) return methodNotAllowed(c, methods);
    const target = readTarget(c, publicUrl);
    if (target === undefined) return c.json('Invalid request', 400);
    const { method, headers, body, signal } = c.req.raw;
    const inner = new Request(target, {
      method,
      headers,
      signal,
      ...(method === 'GET' || method === 'HEAD' ? {} : { body, duplex: 'half' }),
    } as RequestInit);
    return dispatch(inner, { ...c.env, proxiedAt: new URL(c.req.url) });
  });
  return route;
}

function readTarget(c: AppContext, publicUrl: string | undefined): URL | undefined {
  const target = URL.parse(c.req.header('x-fal-target-url') ?? '');
  if (target === null || target.username !== '' || target.password !== '') return undefined;
  if (target.protocol !== 'https:' && target.protocol !== 'http:') return undefined;
  const isOurs = isOwnHost(target, c, publicUrl) && locate(target.hostname, target.pathname).origin !== 'proxy';
  const isPlatform = target.port === '' && originOfHost(target.hostname) !== undefined;
  return isPlatform || isOurs ? target : undefined;
}

function isOwnHost(target: URL, c: AppContext, publicUrl: string | undefined): boolean {
  return (
    target.host === new URL(c.req.url).host || (publicUrl !== undefined && target.host === new URL(publicUrl).host)
  );
}
