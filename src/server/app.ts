import { RequestError } from '@hono/node-server';
import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { v4 as uuid } from 'uuid';
import type { Endpoints } from '../contract/endpoint.ts';
import type { FileStore } from '../files/file-store.ts';
import type { Requests } from '../jobs/requests.ts';
import type { PublicKeys } from '../jobs/webhooks/webhook-keys.ts';
import type { Logger } from '../shared/logger.ts';
import type { Authentication } from './access/authentication.ts';
import { guarded, type KeylessGuard } from './access/keyless-guard.ts';
import type { Tokens } from './access/tokens.ts';
import { type Arrival, basesOf, ownHostsOf, sharedFileBaseOf } from './addressing/bases.ts';
import { crossOrigin } from './addressing/cross-origin.ts';
import { locate } from './addressing/origins.ts';
import { proxyRoute } from './addressing/proxy-route.ts';
import type { AppEnv } from './app-env.ts';
import type { Bodies } from './bodies/bodies.ts';
import { failureReply, requestErrorReply } from './error-replies.ts';
import type { OpenReplies } from './open-replies.ts';
import type { DescribeInstallation } from './operations/installation.ts';
import type { Metrics } from './operations/metrics.ts';
import { ownRoutes } from './operations/own-routes.ts';
import type { Readiness } from './operations/readiness.ts';
import { restRoutes } from './operations/rest-routes.ts';
import type { Playground } from './pages/playground.ts';
import { siteRoutes } from './pages/site-routes.ts';
import { platformRoutes } from './platform/platform-routes.ts';
import { pathNotFound } from './replies.ts';
import { queueRoutes } from './runs/queue-routes.ts';
import { runRoutes } from './runs/run-routes.ts';
import type { RunSlots } from './runs/run-slots.ts';
import { cdnRoutes } from './storage/cdn-routes.ts';
import type { UploadLimits } from './storage/uploads/upload-body.ts';

export interface AppDependencies {
  readonly authentication: Authentication;
  readonly bodies: Bodies;
  readonly describeInstallation: DescribeInstallation;
  readonly endpoints: Endpoints;
  readonly fileRetention: number | undefined;
  readonly files: FileStore;
  readonly jwks: PublicKeys;
  readonly keylessGuard: KeylessGuard;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly openReplies: OpenReplies;
  readonly playground: Playground;
  readonly publicUrl: string | undefined;
  readonly readiness: Readiness;
  readonly requests: Requests;
  readonly showsPrices: boolean;
  readonly slots: RunSlots;
  readonly tokens: Tokens;
  readonly uploadLimits: UploadLimits;
}

/** Everything the server answers, whatever host, prefix or proxy it is asked through. */
export function createApp(deps: AppDependencies): Hono<AppEnv> {
  const app = new Hono<AppEnv>({ getPath: internalPath });
  app.onError((error) => failureReply(error, deps.logger));
  app.notFound((c) => pathNotFound(c, c.var.path));
  app.use(identified, measured(deps), arrived(deps.publicUrl), guarded(deps), readable, withoutNul);
  app.route('/run', runRoutes(deps));
  app.route('/queue', queueRoutes(deps));
  app.route('/rest', restRoutes({ ...deps, storage: deps }));
  app.route('/cdn', cdnRoutes(deps));
  app.route('/site', siteRoutes(deps));
  app.route('/platform', platformRoutes(deps));
  app.route('/own', ownRoutes(deps));
  const dispatch = (request: Request, bindings: AppEnv['Bindings']) => app.fetch(request, bindings);
  app.route('/proxy', proxyRoute({ dispatch, publicUrl: deps.publicUrl }));
  return app;
}

/** Routes are found by origin first: `/queue/fal-ai/…`, however the request said that it is for the queue. */
function internalPath(request: Request): string {
  const url = URL.parse(request.url);
  // Not every Host that passes for one makes a URL: 1.2.3.4.5 does not.
  if (url === null) throw new RequestError('Invalid host header');
  const { origin, path } = locate(url.hostname, url.pathname);
  return path === '/' ? `/${origin}` : `/${origin}${path}`;
}

/** Clients go by the id in the reply even where there is no request. */
const identified = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  if (!c.res.headers.has('x-fal-request-id')) c.res.headers.set('x-fal-request-id', uuid());
});

const readable = crossOrigin({
  allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'],
  exposeHeaders: [
    'content-length',
    'content-range',
    'content-type',
    'etag',
    'x-fal-billable-units',
    'x-fal-error-type',
    'x-fal-needs-retry',
    'x-fal-request-id',
    'x-fal-request-timeout-type',
    'x-fal-retryable',
  ],
  maxAge: 3600,
});

/** Nothing that a query may hold has such a character, and the database knows no text with one. */
const withoutNul = createMiddleware<AppEnv>(async (c, next) => {
  const { search } = new URL(c.req.url);
  return search.includes('%00')
    ? requestErrorReply('bad_request', 'The query holds a NUL character (%00)')
    : await next();
});

function arrived(publicUrl: string | undefined) {
  return createMiddleware<AppEnv>(async (c, next) => {
    const asked = new URL(c.req.url);
    const { proxiedAt, incoming } = c.env ?? {};
    const arrival: Arrival = {
      url: proxiedAt ?? asked,
      headers: c.req.raw.headers,
      publicUrl,
      target: proxiedAt === undefined ? undefined : asked,
      socket: incoming?.socket,
    };
    c.set('path', locate(asked.hostname, asked.pathname).path);
    c.set('arrival', arrival);
    c.set('bases', basesOf(arrival));
    c.set('ownHosts', ownHostsOf(arrival));
    c.set('sharedFileBase', sharedFileBaseOf(arrival));
    await next();
  });
}

function measured({ metrics, logger }: Pick<AppDependencies, 'metrics' | 'logger'>) {
  return createMiddleware<AppEnv>(async (c, next) => {
    if (c.env?.proxiedAt !== undefined) return await next();
    const started = performance.now();
    await next();
    const { hostname, pathname } = new URL(c.req.url);
    const { origin } = locate(hostname, pathname);
    const seconds = (performance.now() - started) / 1000;
    metrics.countReply(origin, c.req.method, c.res.status, seconds);
    logger.debug('replied', { method: c.req.method, origin, path: pathname, status: c.res.status, seconds });
  });
}
