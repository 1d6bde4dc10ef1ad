import { Hono } from 'hono';
import { z } from 'zod';
import type { Requests } from '../../jobs/requests.ts';
import type { PublicKeys } from '../../jobs/webhooks/webhook-keys.ts';
import type { Authentication } from '../access/authentication.ts';
import { requireCaller } from '../access/authorization.ts';
import type { Tokens } from '../access/tokens.ts';
import type { AppContext, AppEnv } from '../app-env.ts';
import type { Bodies } from '../bodies/bodies.ts';
import { checked } from '../bodies/validation.ts';
import { detail, methodNotAllowed } from '../replies.ts';
import { restStorageRoutes, type StorageDependencies } from '../storage/uploads/rest-storage-routes.ts';
import { erasedPayloads } from './erased-payloads.ts';

export interface RestDependencies {
  readonly authentication: Authentication;
  readonly requests: Requests;
  readonly storage: StorageDependencies;
  readonly tokens: Tokens;
  readonly bodies: Bodies;
  /** The keys webhooks are signed with. */
  readonly jwks: PublicKeys;
}

/** Seconds. The platform does not say; a day is enough to notice a token that leaked. */
const maxTokenLength = 86_400;
const defaultToken = 120;

const tokenRequest = z.object({
  allowed_apps: z.array(z.string().min(1).max(200)).min(1).max(100),
  token_expiration: z.number().positive().max(maxTokenLength).optional(),
  duration: z.number().positive().max(maxTokenLength).optional(),
});

/** The REST host: uploads, temporary tokens, the public keys of webhooks. */
export function restRoutes(deps: RestDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get('/.well-known/jwks.json', (c) => {
    c.header('cache-control', 'public, max-age=3600');
    return c.json(deps.jwks);
  });
  routes.all('/.well-known/jwks.json', (c) => methodNotAllowed(c, ['GET']));
  routes.use('/*', requireCaller(deps.authentication));
  // A JSON string is what every version of the clients understands.
  routes.post('/tokens', async (c) => c.json(await issueToken(c, deps)));
  routes.post('/tokens/realtime', async (c) => c.json({ token: await issueToken(c, deps) }));
  routes.all('/tokens/:kind?', (c) => methodNotAllowed(c, ['POST']));
  routes.put('/requests/delete_io/:id', async (c) => {
    const links = await erasedPayloads(deps.requests, c.var.caller, c.req.param('id'), c.var.bases.cdn);
    if (links === undefined) return c.json({ status: 'NOT_FOUND' }, 404);
    return c.json({ CDN_DELETE_RESULTS: links.map((link) => ({ link, exception: null })) });
  });
  routes.all('/requests/delete_io/:id', (c) => methodNotAllowed(c, ['PUT']));
  routes.route('/', restStorageRoutes(deps.storage));
  routes.all('/*', (c) => detail(c, 404, 'Not Found'));
  return routes;
}

async function issueToken(c: AppContext, { bodies, tokens }: RestDependencies): Promise<string> {
  const { allowed_apps: apps, ...asked } = checked(tokenRequest, await bodies.json(c));
  return await tokens.issue(
    'app',
    { owner: c.var.caller.owner, apps },
    asked.token_expiration ?? asked.duration ?? defaultToken,
  );
}
