import { Hono } from 'hono';
import type { Endpoint, Endpoints } from '../../contract/endpoint.ts';
import { appOf } from '../../contract/endpoint-id.ts';
import { QueueFullError } from '../../jobs/accept/intake.ts';
import type { RequestStatus } from '../../jobs/request/request-status.ts';
import type { Requests } from '../../jobs/requests.ts';
import type { Logger } from '../../shared/logger.ts';
import type { Authentication } from '../access/authentication.ts';
import { admitToApp, stillAdmitted } from '../access/authorization.ts';
import {
  type AppPath,
  isKnownApp,
  type RequestPath,
  readAppPath,
  readEndpointPath,
  readRequestPath,
} from '../addressing/app-path.ts';
import type { AppContext, AppEnv } from '../app-env.ts';
import type { Bodies } from '../bodies/bodies.ts';
import { requestErrorReply } from '../error-replies.ts';
import type { OpenReplies } from '../open-replies.ts';
import { detail, methodNotAllowed, pathNotFound } from '../replies.ts';
import { readQueueOptions } from '../submission/request-options.ts';
import { submissionOf } from '../submission/submission-of.ts';
import { breakOff } from './break-off.ts';
import { eventStream } from './event-stream.ts';
import { outcomeReply } from './outcome-reply.ts';
import { currentProgress, progressEvents } from './progress-events.ts';
import { requestUrls, statusBody, statusCode } from './status-body.ts';
import { statusEvents } from './status-events.ts';

export interface QueueDependencies {
  readonly endpoints: Endpoints;
  readonly authentication: Authentication;
  readonly requests: Requests;
  readonly bodies: Bodies;
  readonly openReplies: OpenReplies;
  readonly logger: Logger;
}

/** The queue's host: submit, status (once or as a stream), result, cancel. */
export function queueRoutes(deps: QueueDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.all('/*', async (c) => {
    const path = readAppPath(c.var.path);
    if (path === undefined) return pathNotFound(c, c.var.path);
    const caller = await admitToApp(c, deps, path);
    if (caller instanceof Response) return caller;
    if (!isKnownApp(path, deps.endpoints)) return detail(c, 404, `Application "${path.alias}" not found`);
    c.set('caller', caller);
    const requestPath = readRequestPath(path, deps.endpoints);
    if (requestPath !== undefined) return await requestReply(c, deps, { ...path, ...requestPath });
    const { endpoint, below } = readEndpointPath(path, deps.endpoints) ?? {};
    if (endpoint === undefined || below !== '') return pathNotFound(c, path.subpath);
    return c.req.method === 'POST' ? await submit(c, deps, endpoint) : methodNotAllowed(c, ['POST']);
  });
  return routes;
}

async function submit(c: AppContext, { requests, bodies }: QueueDependencies, endpoint: Endpoint): Promise<Response> {
  const options = readQueueOptions(
    (name) => c.req.header(name),
    (name) => c.req.query(name),
  );
  await using input = await bodies.input(c);
  try {
    const { id, queuePosition } = await requests.submit(
      submissionOf(c, { endpoint, surface: 'queue' }, input, options),
    );
    const urls = requestUrls(c.var.bases.queue, { endpoint: endpoint.id, id });
    c.header('x-fal-request-id', id);
    return c.json({
      status: 'IN_QUEUE',
      request_id: id,
      gateway_request_id: id,
      ...urls,
      logs: null,
      metrics: {},
      queue_position: queuePosition,
    });
  } catch (error) {
    if (!(error instanceof QueueFullError)) throw error;
    return requestErrorReply('concurrent_requests_limit', error.message);
  }
}

async function requestReply(c: AppContext, deps: QueueDependencies, path: AppPath & RequestPath): Promise<Response> {
  const { action } = path;
  const method = action === 'cancel' ? 'PUT' : 'GET';
  if (c.req.method !== method && !(method === 'GET' && c.req.method === 'HEAD')) return methodNotAllowed(c, [method]);
  const status = await ownStatus(c, deps, path);
  if (status === undefined) return c.json({ status: 'NOT_FOUND' }, 404);
  c.header('x-fal-request-id', status.id);
  switch (action) {
    case 'result':
      return await result(c, deps, status);
    case 'status':
      return await currentStatus(c, deps, status);
    case 'status/stream':
      return statusStream(c, deps, status);
    case 'progress':
      return c.json(await currentProgress(deps.requests, status));
    case 'progress/stream':
      return progressStream(c, deps, status);
    case 'cancel':
      return await cancel(c, deps, status);
  }
}

/** The request's status, if it is the caller's, and of the app. */
async function ownStatus(
  c: AppContext,
  { requests }: QueueDependencies,
  { owner, alias, id }: AppPath & RequestPath,
): Promise<RequestStatus | undefined> {
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) return undefined;
  const status = await requests.status(id.toLowerCase());
  if (status === undefined || appOf(status.endpoint) !== `${owner}/${alias}`) return undefined;
  return status.owner === c.var.caller.owner ? status : undefined;
}

async function currentStatus(c: AppContext, { requests }: QueueDependencies, status: RequestStatus): Promise<Response> {
  const logs = asksForLogs(c) ? (status.lastLog > 0 ? await requests.logs(status.id) : []) : null;
  return c.json(statusBody(status, c.var.bases.queue, logs), statusCode(status));
}

function statusStream(c: AppContext, deps: QueueDependencies, status: RequestStatus): Response {
  const options = { queueBase: c.var.bases.queue, withLogs: asksForLogs(c) };
  return requestStream(c, deps, status, (signal) => statusEvents(deps.requests, status.id, { ...options, signal }));
}

function progressStream(c: AppContext, deps: QueueDependencies, status: RequestStatus): Response {
  return requestStream(c, deps, status, (signal) => progressEvents(deps.requests, status.id, signal));
}

function requestStream(
  c: AppContext,
  { authentication, openReplies, logger }: QueueDependencies,
  { id }: RequestStatus,
  events: (signal: AbortSignal) => AsyncIterable<unknown>,
): Response {
  if (c.req.method === 'HEAD') return c.body(null, 200, { 'content-type': 'text/event-stream' });
  const open = openReplies.add(c.req.raw.signal);
  const reply = eventStream(events(open.signal), {
    abort: open.abort,
    resources: open,
    isAllowed: stillAdmitted(c.var.caller, authentication),
    breakOff: breakOff(c, logger),
  });
  reply.headers.set('x-fal-request-id', id);
  return reply;
}

async function result(c: AppContext, { requests }: QueueDependencies, status: RequestStatus): Promise<Response> {
  if (status.state !== 'COMPLETED') return detail(c, 400, 'Request is still in progress');
  const outcome = await requests.outcome(status.id, c.var.bases.cdn);
  if (outcome === undefined) return detail(c, 404, 'The result of this request is not kept any more');
  return outcomeReply(status.id, outcome);
}

async function cancel(c: AppContext, { requests }: QueueDependencies, { id }: RequestStatus): Promise<Response> {
  switch (await requests.cancel(id, 'client_cancelled')) {
    case 'requested':
      return c.json({ status: 'CANCELLATION_REQUESTED' }, 202);
    case 'already_completed':
      return c.json({ status: 'ALREADY_COMPLETED' }, 400);
    case 'not_found':
      return c.json({ status: 'NOT_FOUND' }, 404);
  }
}

function asksForLogs(c: AppContext): boolean {
  return ['1', 'true', 'yes'].includes(c.req.query('logs')?.toLowerCase() ?? '');
}
