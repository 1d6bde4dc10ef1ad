import { Hono } from 'hono';
import { servedSchema } from '../contract/json-schema.ts';
import type { AppEnv } from './app-env.ts';
import type { Authentication } from './authentication.ts';
import { requireCaller } from './authorization.ts';
import type { DescribeInstallation } from './installation.ts';
import type { Metrics } from './metrics.ts';
import { type Playground, playgroundReply } from './playground.ts';
import type { Readiness } from './readiness.ts';
import { detail, methodNotAllowed } from './replies.ts';

export interface OwnDependencies {
  readonly authentication: Authentication;
  readonly describeInstallation: DescribeInstallation;
  readonly metrics: Metrics;
  readonly playground: Playground;
  readonly readiness: Readiness;
}

const readOnly = ['/', '/assets/*', '/health', '/input-schema', '/installation', '/metrics', '/ready'];

/** What no hosted endpoint has: the playground and what it asks about this server, signs of life, metrics. */
export function ownRoutes(deps: OwnDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const { metrics, playground, readiness } = deps;
  routes.get('/', (c) => playgroundReply(c, playground, '/index.html'));
  routes.get('/assets/*', (c) => playgroundReply(c, playground, c.var.path));
  routes.get('/input-schema', (c) => c.json(servedSchema));
  routes.get('/installation', requireCaller(deps.authentication), async (c) =>
    c.json(await deps.describeInstallation()),
  );
  routes.get('/health', (c) => c.json({ status: 'ok' }));
  routes.get('/ready', async (c) => {
    const report = await readiness.check();
    return c.json(report, report.ready ? 200 : 503);
  });
  routes.get('/metrics', async (c) => c.body(await metrics.text(), 200, { 'content-type': metrics.contentType }));
  routes.on(['POST', 'PUT', 'PATCH', 'DELETE'], readOnly, (c) => methodNotAllowed(c, ['GET']));
  routes.all('/*', (c) => detail(c, 404, 'Not Found'));
  return routes;
}
