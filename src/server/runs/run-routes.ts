import { Hono } from 'hono';
import type { Endpoint, Endpoints } from '../../contract/endpoint.ts';
import { InlineOutput } from '../../jobs/request/inline-output.ts';
import type { RequestStatus } from '../../jobs/request/request-status.ts';
import type { Requests } from '../../jobs/requests.ts';
import type { Logger } from '../../shared/logger.ts';
import type { Authentication } from '../access/authentication.ts';
import { admitToApp, stillAdmitted } from '../access/authorization.ts';
import { isKnownApp, readAppPath, readEndpointPath } from '../addressing/app-path.ts';
import type { AppContext, AppEnv } from '../app-env.ts';
import type { Bodies } from '../bodies/bodies.ts';
import { requestErrorReply } from '../error-replies.ts';
import type { OpenReplies, OpenReply } from '../open-replies.ts';
import { detail, methodNotAllowed, pathNotFound } from '../replies.ts';
import { readRunOptions } from '../submission/request-options.ts';
import { submissionOf } from '../submission/submission-of.ts';
import { breakOff } from './break-off.ts';
import { eventStream } from './event-stream.ts';
import { outcomeReply } from './outcome-reply.ts';
import { runEvents } from './run-events.ts';
import type { RunSlots } from './run-slots.ts';

export interface RunDependencies {
  readonly endpoints: Endpoints;
  readonly authentication: Authentication;
  readonly requests: Requests;
  readonly bodies: Bodies;
  readonly openReplies: OpenReplies;
  readonly slots: RunSlots;
  readonly logger: Logger;
}

/** The host of direct runs: the reply is the output. With `/stream` behind the path it is told how it goes first. */
export function runRoutes(deps: RunDependencies): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.all('/*', async (c) => {
    const path = readAppPath(c.var.path);
    if (path === undefined) return pathNotFound(c, c.var.path);
    const caller = await admitToApp(c, deps, path);
    if (caller instanceof Response) return caller;
    if (!isKnownApp(path, deps.endpoints)) return detail(c, 404, `Application "${path.alias}" not found`);
    const { endpoint, below } = readEndpointPath(path, deps.endpoints) ?? {};
    const streams = below === '/stream';
    if (endpoint === undefined || !(streams || below === '')) return pathNotFound(c, path.subpath);
    if (c.req.method !== 'POST') return methodNotAllowed(c, ['POST']);
    c.set('caller', caller);
    return await run(c, deps, { endpoint, streams });
  });
  return routes;
}

interface RunTarget {
  readonly endpoint: Endpoint;
  /** Whether the reply tells how it goes: `/stream` was behind the id. */
  readonly streams: boolean;
}

async function run(c: AppContext, deps: RunDependencies, { endpoint, streams }: RunTarget): Promise<Response> {
  const { authentication, requests, bodies, openReplies, slots, logger } = deps;
  const isAllowed = stillAdmitted(c.var.caller, authentication);
  const options = readRunOptions((name) => c.req.header(name));
  // Before a slot is taken, which would be held for as long as the body takes.
  await using input = await bodies.input(c);
  await using resources = new AsyncDisposableStack();
  const slot = slots.take(c.var.caller.owner);
  if (slot === undefined) {
    const message = `More than ${slots.limit} direct runs at a time are not allowed; wait for one to end, or use the queue`;
    return requestErrorReply('concurrent_requests_limit', message);
  }
  resources.use(slot);
  const open = resources.use(openReplies.add(c.req.raw.signal));
  const { id } = await requests.submit(submissionOf(c, { endpoint, surface: 'run' }, input, options));
  await input[Symbol.asyncDispose]();
  resources.defer(() => abandon(requests, id, open));
  const status = streams ? await firstStatus(requests, id, open) : await lastStatus(requests, id, open);
  if (status === undefined) return endedReply(id, open);
  if (!(await isAllowed())) return detail(c, 401, 'The key was revoked while the request was processed');
  // A stream that went well is a stream, however soon it is over; an error before the first event is a plain reply.
  const isRefused = (status.statusCode ?? 0) >= 400;
  if (status.state === 'COMPLETED' && (isRefused || !streams)) return await finalReply(c, requests, id);
  const events = runEvents({ requests, id, bases: c.var.bases, signal: open.signal });
  const ending = { abort: open.abort, resources: resources.move(), breakOff: breakOff(c, logger) };
  const reply = eventStream(events, { ...ending, isAllowed });
  reply.headers.set('x-fal-request-id', id);
  return reply;
}

async function finalReply(c: AppContext, requests: Requests, id: string): Promise<Response> {
  const outcome = await requests.outcome(id, c.var.bases.cdn);
  if (outcome === undefined) throw new Error(`request ${id} has no outcome`);
  if (outcome.body instanceof InlineOutput) return outcomeReply(id, outcome, () => requests.replied(id));
  await requests.replied(id);
  return outcomeReply(id, outcome);
}

async function lastStatus(requests: Requests, id: string, { signal }: OpenReply): Promise<RequestStatus | undefined> {
  for await (const status of requests.watch(id, signal)) if (status.state === 'COMPLETED') return status;
  return undefined;
}

async function firstStatus(requests: Requests, id: string, { signal }: OpenReply): Promise<RequestStatus | undefined> {
  for await (const status of requests.watch(id, signal)) return status;
  return undefined;
}

/** Nobody waits for the run any more. */
async function abandon(requests: Requests, id: string, { signal }: OpenReply): Promise<void> {
  if (signal.aborted) await requests.cancel(id, 'client_disconnected');
}

function endedReply(id: string, { hasCallerLeft }: OpenReply): Response {
  const reply = hasCallerLeft
    ? requestErrorReply('client_disconnected', 'The caller has disconnected')
    : requestErrorReply('runner_disconnected', 'The server is shutting down; try again');
  reply.headers.set('x-fal-request-id', id);
  return reply;
}
