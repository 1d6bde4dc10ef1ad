import { networkInterfaces } from 'node:os';
import { Hono } from 'hono';
import { modelEntry, priceEntry } from '../../contract/documents/models-list.ts';
import { openapi } from '../../contract/documents/openapi.ts';
import type { Endpoint, Endpoints } from '../../contract/endpoint.ts';
import { currency } from '../../contract/price.ts';
import type { FileStore } from '../../files/file-store.ts';
import { presentInput } from '../../jobs/accept/input-files.ts';
import { isStoredOutput, presentOutput } from '../../jobs/request/stored-output.ts';
import type { Requests } from '../../jobs/requests.ts';
import type { HistoryItem } from '../../jobs/watch/history.ts';
import type { Logger } from '../../shared/logger.ts';
import type { Authentication } from '../access/authentication.ts';
import { requireCaller } from '../access/authorization.ts';
import { homeOf } from '../addressing/home-of.ts';
import type { AppContext, AppEnv } from '../app-env.ts';
import type { Bodies } from '../bodies/bodies.ts';
import { checked } from '../bodies/validation.ts';
import { erasedPayloads } from '../operations/erased-payloads.ts';
import { badRequest } from '../replies.ts';
import { platformStorageRoutes } from '../storage/uploads/platform-storage-routes.ts';
import { historyBody } from './history.ts';
import { platformError, platformFailure } from './platform-error.ts';
import { estimate, estimateSchema } from './pricing.ts';
import { choiceQuery, dateQuery, listQuery, numberQuery } from './query.ts';
import { usageBody } from './usage.ts';

export interface PlatformDependencies {
  readonly authentication: Authentication;
  readonly endpoints: Endpoints;
  readonly requests: Requests;
  readonly files: FileStore;
  readonly bodies: Bodies;
  /** Seconds; undefined: for ever. */
  readonly fileRetention: number | undefined;
  readonly logger: Logger;
}

const periods = ['minute', 'hour', 'day', 'week', 'month'] as const;
const outcomes = ['success', 'error', 'user_error'] as const;
/** Characters of what is searched for; more are left off. */
const maxSearch = 200;
const page = { next_cursor: null, has_more: false };

/** The platform's own API: what models there are, what they cost, what was used. */
export function platformRoutes(deps: PlatformDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.onError((error, c) => platformFailure(c, error, deps.logger));
  publicRoutes(routes, deps.endpoints);
  routes.use('/*', requireCaller(deps.authentication, platformError));
  routes.post('/v1/models/pricing/estimate', async (c) => {
    const asked = checked(estimateSchema, await deps.bodies.json(c));
    const total = await estimate(asked, deps, c.var.caller);
    return c.json({ estimate_type: asked.estimate_type, total_cost: total, currency });
  });
  routes.get('/v1/models/usage', async (c) => c.json(await usage(c, deps)));
  routes.get('/v1/models/requests/by-endpoint', async (c) => c.json(await history(c, deps)));
  routes.delete('/v1/models/requests/:id/payloads', (c) => erase(c, deps, c.req.param('id')));
  routes.get('/v1/meta', (c) => c.json({ webhook_ip_ranges: ownAddresses() }));
  routes.get('/v1/storage/settings', (c) =>
    c.json({ expiration_duration_seconds: deps.fileRetention ?? null, initial_acl: { default: 'allow', rules: [] } }),
  );
  routes.route('/', platformStorageRoutes(deps));
  routes.all('/*', (c) => platformError(c, 404, `${c.req.method} ${c.var.path} is not served here`));
  return routes;
}

function publicRoutes(routes: Hono<AppEnv>, endpoints: Endpoints): void {
  routes.get('/v1/models', (c) => {
    const withDocument = listQuery(c, 'expand').some((part) => part.startsWith('openapi'));
    const models = askedFor(c, endpoints)
      .filter((endpoint) => isFound(c, endpoint))
      .map((endpoint) => {
        const home = homeOf(endpoint, c);
        const document = withDocument ? { ...openapi(endpoint, c.var.bases.queue, home) } : undefined;
        return modelEntry(endpoint, document, home);
      });
    return c.json({ models, ...page });
  });
  routes.get('/v1/models/pricing', (c) => {
    const asked = askedFor(c, endpoints);
    if (asked.length === 0) return platformError(c, 404, `No prices for ${listQuery(c, 'endpoint_id').join(', ')}`);
    return c.json({ prices: asked.map(priceEntry), ...page });
  });
}

/** The endpoints whose ids are asked for; where none is, all that the platform has too. */
function askedFor(c: AppContext, endpoints: Endpoints): readonly Endpoint[] {
  const ids = listQuery(c, 'endpoint_id');
  return [...endpoints.values()].filter(({ id, makes }) => (ids.length === 0 ? makes === 'clips' : ids.includes(id)));
}

function isFound(c: AppContext, endpoint: Endpoint): boolean {
  const words = (c.req.query('q') ?? '').toLowerCase().split(/\s+/);
  const text = `${endpoint.id} ${endpoint.displayName} ${endpoint.description}`.toLowerCase();
  const category = c.req.query('category');
  const status = c.req.query('status');
  return (
    words.every((word) => text.includes(word)) &&
    (category === undefined || category === endpoint.category) &&
    (status === undefined || status === endpoint.status)
  );
}

async function usage(c: AppContext, { endpoints, requests }: PlatformDependencies): Promise<unknown> {
  const ids = listQuery(c, 'endpoint_id');
  const buckets = await requests.usage({
    owner: visibleOwner(c),
    endpoints: ids.length === 0 ? undefined : ids,
    from: dateQuery(c, 'start'),
    to: dateQuery(c, 'end'),
    tags: tagsQuery(c),
    bucket: choiceQuery(c, 'timeframe', periods) ?? 'day',
  });
  return usageBody(buckets, [...endpoints.values()], listQuery(c, 'expand'));
}

function tagsQuery(c: AppContext): Readonly<Record<string, string>> | undefined {
  const pairs = listQuery(c, 'tags').map((pair): [string, string] => {
    const split = pair.indexOf('=');
    if (split <= 0) throw badRequest('tags must be pairs like team=film', 'tags');
    return [pair.slice(0, split), pair.slice(split + 1)];
  });
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs);
}

async function history(c: AppContext, { endpoints, requests, files }: PlatformDependencies): Promise<unknown> {
  if (listQuery(c, 'endpoint_id').length === 0) throw badRequest('endpoint_id is missing', 'endpoint_id');
  const asked = askedFor(c, endpoints);
  const withPayloads = listQuery(c, 'expand').includes('payloads');
  const listed = await requests.list({
    endpoints: asked.map(({ id }) => id),
    owner: visibleOwner(c),
    requestId: c.req.query('request_id'),
    from: dateQuery(c, 'start'),
    to: dateQuery(c, 'end'),
    outcome: choiceQuery(c, 'status', outcomes),
    words: c.req.query('search')?.slice(0, maxSearch).split(/\s+/).filter(Boolean),
    cursor: numberQuery(c, 'cursor', 1, Number.MAX_SAFE_INTEGER),
    limit: numberQuery(c, 'limit', 1, 100) ?? 20,
    withPayloads,
  });
  const fileBase = c.var.bases.cdn;
  const fileFields = [...new Set(asked.flatMap((endpoint) => endpoint.fileFields))];
  const present = async (item: HistoryItem) => ({
    input: await presentInput(item, fileFields, { files, fileBase }),
    output: isStoredOutput(item.output) ? await presentOutput(item.output, files, fileBase) : item.output,
  });
  return await historyBody(listed, withPayloads ? present : undefined);
}

async function erase(c: AppContext, { requests }: PlatformDependencies, id: string): Promise<Response> {
  const { caller, bases } = c.var;
  if (caller.scope !== 'ADMIN') return platformError(c, 403, 'This needs a key with the scope ADMIN');
  const links = await erasedPayloads(requests, caller, id, bases.cdn);
  if (links === undefined) return platformError(c, 404, `There is no request ${id}`);
  return c.json({ cdn_delete_results: links.map((link) => ({ link, exception: null })) });
}

/** Undefined: everybody's. */
function visibleOwner({ var: { caller } }: AppContext): string | undefined {
  return caller.scope === 'ADMIN' ? undefined : caller.owner;
}

/** Where webhooks come from, unless something rewrites addresses between us and their receivers. */
function ownAddresses(): readonly string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses
    .filter(({ internal }) => !internal)
    .map(({ address, family }) => `${address}/${family === 'IPv4' ? 32 : 128}`);
}
