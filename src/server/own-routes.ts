import { Hono } from 'hono';
import { html } from 'hono/html';
import { endpoint } from '../contract/endpoint.ts';
import type { AppEnv } from './app-env.ts';
import type { Metrics } from './metrics.ts';
import type { Readiness } from './readiness.ts';
import { detail, methodNotAllowed } from './replies.ts';

export interface OwnDependencies {
  readonly metrics: Metrics;
  readonly readiness: Readiness;
}

/** What no hosted endpoint has: signs of life, metrics, a page that says what this is. */
export function ownRoutes({ metrics, readiness }: OwnDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get('/', (c) => c.html(page(c.var.bases.site)));
  routes.get('/health', (c) => c.json({ status: 'ok' }));
  routes.get('/ready', async (c) => {
    const report = await readiness.check();
    return c.json(report, report.ready ? 200 : 503);
  });
  routes.get('/metrics', async (c) => c.body(await metrics.text(), 200, { 'content-type': metrics.contentType }));
  routes.on(['POST', 'PUT', 'PATCH', 'DELETE'], ['/', '/health', '/ready', '/metrics'], (c) =>
    methodNotAllowed(c, ['GET']),
  );
  routes.all('/*', (c) => detail(c, 404, 'Not Found'));
  return routes;
}

function page(base: string) {
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Soundstage</title>
<h1>Soundstage</h1>
<p>This server makes video from sound. It serves <code>${endpoint.id}</code> to the clients of the hosted endpoint.</p>
<ul>
<li><a href="${base}/models/${endpoint.id}/llms.txt">What it takes and returns</a>
<li><a href="${base}/api/openapi/queue/openapi.json?endpoint_id=${endpoint.id}">The same as OpenAPI</a>
<li><a href="${base}/ready">Whether it is ready</a>
</ul>
</html>
`;
}
