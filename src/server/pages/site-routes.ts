import { Hono } from 'hono';
import { llmsTxt } from '../../contract/documents/llms-txt.ts';
import { genericOpenapi, openapi } from '../../contract/documents/openapi.ts';
import { endpoint } from '../../contract/endpoint.ts';
import type { AppEnv } from '../app-env.ts';
import { detail, methodNotAllowed } from '../replies.ts';

/** The documents that describe the endpoint. */
export function siteRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const text = llmsTxt();
  routes.get(`/models/${endpoint.id}/llms.txt`, (c) =>
    c.text(text, 200, { 'content-type': 'text/plain; charset=utf-8' }),
  );
  routes.get('/api/openapi/queue/openapi.json', (c) => {
    const id = c.req.query('endpoint_id');
    if (id === undefined) return c.json(genericOpenapi(c.var.bases.queue));
    return id === endpoint.id ? c.json(openapi(c.var.bases.queue)) : detail(c, 404, `Endpoint "${id}" not found`);
  });
  routes.on(['POST', 'PUT', 'PATCH', 'DELETE'], ['/models/*', '/api/*'], (c) => methodNotAllowed(c, ['GET']));
  routes.all('/*', (c) => detail(c, 404, 'Not Found'));
  return routes;
}
