import { Hono } from 'hono';
import { llmsTxt } from '../../contract/documents/llms-txt.ts';
import { genericOpenapi, openapi } from '../../contract/documents/openapi.ts';
import type { Endpoints } from '../../contract/endpoint.ts';
import type { Authentication } from '../access/authentication.ts';
import { homeOf } from '../addressing/home-of.ts';
import { originOfHost } from '../addressing/origins.ts';
import type { AppContext, AppEnv } from '../app-env.ts';
import { detail, methodNotAllowed } from '../replies.ts';
import { apiPage } from './api/api-page.ts';
import { rootFrom } from './layout/relative-root.ts';
import { type Playground, playgroundPage } from './playground.ts';

export interface SiteDependencies {
  readonly authentication: Authentication;
  readonly endpoints: Endpoints;
  readonly playground: Playground;
}

/** The pages of the endpoints, and the documents that describe them. */
export function siteRoutes({ authentication, endpoints, playground }: SiteDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  for (const endpoint of endpoints.values()) {
    routes.get(`/models/${endpoint.id}`, (c) => {
      // Under the platform's name for its pages nothing else is found that the playground needs.
      if (isPlatformsHost(c)) return c.redirect(`${rootFrom(c)}models/${endpoint.id}/api`);
      return playgroundPage(c, playground);
    });
    routes.get(`/models/${endpoint.id}/api`, async (c) => {
      // While the database cannot say so, nobody gets in without a key.
      const isKeyRequired = await authentication.isRequired().catch(() => true);
      // Programs run on, however their reader came here.
      return await apiPage(c, { endpoint, isKeyRequired, server: c.var.sharedFileBase.replace(/cdn$/, '') });
    });
    routes.get(`/models/${endpoint.id}/llms.txt`, (c) =>
      c.text(llmsTxt(endpoint, homeOf(endpoint, c)), 200, { 'content-type': 'text/plain; charset=utf-8' }),
    );
  }
  routes.get('/api/openapi/queue/openapi.json', (c) => {
    const id = c.req.query('endpoint_id');
    if (id === undefined) return c.json(genericOpenapi([...endpoints.keys()], c.var.bases.queue));
    const endpoint = endpoints.get(id);
    if (endpoint === undefined) return detail(c, 404, `Endpoint "${id}" not found`);
    return c.json(openapi(endpoint, c.var.bases.queue, homeOf(endpoint, c)));
  });
  routes.on(['POST', 'PUT', 'PATCH', 'DELETE'], ['/models/*', '/api/*'], (c) => methodNotAllowed(c, ['GET']));
  routes.all('/*', (c) => detail(c, 404, 'Not Found'));
  return routes;
}

function isPlatformsHost(c: AppContext): boolean {
  return originOfHost(new URL(c.req.url).hostname) !== undefined;
}
