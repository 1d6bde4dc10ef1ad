import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { SoundstageError } from '../shared/errors.ts';
import type { AppContext } from './app-env.ts';

/** A reply of the platform's app framework: a sentence and nothing else. */
export function detail(
  c: AppContext,
  status: ContentfulStatusCode,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return c.json({ detail: text }, status, { ...headers });
}

/** `methods` are those the path is served with. */
export function methodNotAllowed(c: AppContext, methods: readonly string[]): Response {
  return detail(c, 405, `Method ${c.req.method} is not allowed; use ${methods.join(' or ')}`, {
    allow: methods.join(', '),
  });
}

/** A path below an app that nothing is served at. */
export function pathNotFound(c: AppContext, path: string): Response {
  return detail(c, 404, `Path ${path} not found`, { 'x-fal-billable-units': '0' });
}

/** A header or query parameter that cannot be honored; answered with 400. */
export function badRequest(message: string, field: string): SoundstageError {
  return new SoundstageError('input', message, { field, type: 'bad_request' });
}
