import { Hono } from 'hono';
import type { Endpoints } from '../../contract/endpoint.ts';
import { schemaDocument } from '../../contract/json-schema.ts';
import type { Authentication } from '../access/authentication.ts';
import { identify, requireCaller } from '../access/authorization.ts';
import type { AppContext, AppEnv } from '../app-env.ts';
import { documentationRoutes } from '../pages/documentation/documentation-routes.ts';
import { type Playground, playgroundFile, playgroundPage } from '../pages/playground.ts';
import { detail, methodNotAllowed } from '../replies.ts';
import type { DescribeInstallation, ShownInstallation } from './installation.ts';
import type { Metrics } from './metrics.ts';
import { type Readiness, withoutReasons } from './readiness.ts';

export interface OwnDependencies {
  readonly authentication: Authentication;
  readonly endpoints: Endpoints;
  readonly describeInstallation: DescribeInstallation;
  readonly metrics: Metrics;
  readonly playground: Playground;
  readonly readiness: Readiness;
  /** Whether the page says what clips cost. */
  readonly showsPrices: boolean;
}

const readOnly = [
  '/',
  '/assets/*',
  '/clips/*',
  '/docs',
  '/docs/*',
  '/health',
  '/input-schema',
  '/installation',
  '/metrics',
  '/ready',
];

/** What no hosted endpoint has: the playground and what it asks about this server, signs of life, metrics. */
export function ownRoutes(deps: OwnDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const { endpoints, metrics, playground, readiness } = deps;
  routes.get('/', (c) => playgroundPage(c, playground));
  routes.get('/assets/*', (c) => playgroundFile(c, playground, c.var.path));
  // Relative, since the page may be reached below a path.
  routes.get('/clips/:id', (c) => c.redirect(`../?clip=${encodeURIComponent(c.req.param('id'))}`));
  routes.route('/', documentationRoutes());
  routes.get('/input-schema', (c) => {
    const id = c.req.query('endpoint_id');
    const [first] = endpoints.values();
    const endpoint = id === undefined ? first : endpoints.get(id);
    return endpoint ? c.json(schemaDocument(endpoint.servedInput)) : detail(c, 404, `Endpoint "${id}" not found`);
  });
  routes.get('/installation', requireCaller(deps.authentication), async (c) => c.json(await shownInstallation(deps)));
  routes.get('/health', (c) => c.json({ status: 'ok' }));
  routes.get('/ready', async (c) => {
    const report = await readiness.check();
    // Others see which parts are in trouble; what about them is written in the log as well.
    const shown = (await isAdmin(c, deps.authentication)) ? report : withoutReasons(report);
    return c.json(shown, report.ready ? 200 : 503);
  });
  routes.get('/metrics', async (c) => c.body(await metrics.text(), 200, { 'content-type': metrics.contentType }));
  routes.on(['POST', 'PUT', 'PATCH', 'DELETE'], readOnly, (c) => methodNotAllowed(c, ['GET']));
  routes.all('/*', (c) => detail(c, 404, 'Not Found'));
  return routes;
}

async function shownInstallation({ describeInstallation, showsPrices }: OwnDependencies): Promise<ShownInstallation> {
  return { ...(await describeInstallation()), showsPrices };
}

/** Where the database cannot say so, nobody is. */
async function isAdmin(c: AppContext, authentication: Authentication): Promise<boolean> {
  const { caller } = await identify(c, authentication).catch(() => ({ caller: undefined }));
  return caller?.scope === 'ADMIN';
}
