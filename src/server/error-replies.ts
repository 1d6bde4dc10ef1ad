import { RequestError } from '@hono/node-server';
import { v4 as uuid } from 'uuid';
import type { RequestErrorName } from '../contract/errors/error-types.ts';
import { errorHeaders, errorReply, requestError } from '../contract/errors/errors.ts';
import { DatabaseUnavailable } from '../database/database-unavailable.ts';
import { SoundstageError } from '../shared/errors.ts';
import type { Logger } from '../shared/logger.ts';
import { systemCode } from '../shared/system-code.ts';
import { RefusedBody } from './bodies/refused-body.ts';

const retryAfterSeconds = 10;

/** The reply to whatever was thrown while a request was served. What is nobody's fault but ours is logged. */
export function failureReply(error: unknown, logger: Logger): Response {
  if (error instanceof RefusedBody) {
    const { status, body } = error;
    // The connection stays: closed while the caller still sends, it would take the reply away with a reset.
    const headers = { ...errorHeaders(status, body), 'x-fal-billable-units': '0' };
    return Response.json(body, { status, headers });
  }
  if (isOfTheMachine(error)) {
    logger.warn('a request could not be taken', { error });
    return unavailable(requestErrorReply('runner_scheduling_failure', machineMessage(error)));
  }
  if (!(error instanceof SoundstageError)) {
    logger.error('a request failed', { error });
    return Response.json({ detail: 'Internal Server Error' }, { status: 500, headers: errorHeaders(500, {}) });
  }
  const { status, body, headers } = errorReply(error);
  if (status >= 500) logger.error('a request failed', { error });
  return Response.json(body, { status, headers: { ...headers, 'x-fal-billable-units': '0' } });
}

/** Whether a later try may succeed without anybody changing the request: the database is away, the disk is full. */
export function isOfTheMachine(error: unknown): boolean {
  if (error instanceof SoundstageError) return error.kind === 'device' || error.kind === 'network';
  return systemCode(error) !== undefined;
}

/** For a 503 about this server; says when to come again. */
export function unavailable(reply: Response): Response {
  reply.headers.set('retry-after', String(retryAfterSeconds));
  return reply;
}

export function machineMessage(error: unknown): string {
  const what = error instanceof DatabaseUnavailable ? 'its database' : 'its disk or its store of files';
  return `The server cannot take requests at the moment, because ${what} does not work; try again later`;
}

/** A reply about the request as such, not about its input. */
export function requestErrorReply(type: RequestErrorName, detail: string): Response {
  const { status, body, headers } = requestError(type, detail);
  return Response.json(body, { status, headers: { ...headers, 'x-fal-billable-units': '0' } });
}

/** The reply to a request that cannot even be read, or that no route could answer. */
export function brokenRequestReply(error: unknown, logger: Logger): Response {
  const isCallersFault = error instanceof RequestError;
  const reply = isCallersFault ? requestErrorReply('bad_request', error.message) : failureReply(error, logger);
  reply.headers.set('x-fal-request-id', uuid());
  return reply;
}
