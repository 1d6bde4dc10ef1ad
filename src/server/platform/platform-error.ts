import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { v4 as uuid } from 'uuid';
import { SoundstageError } from '../../shared/errors.ts';
import type { Logger } from '../../shared/logger.ts';
import type { AppContext } from '../app-env.ts';
import { RefusedBody } from '../bodies/refused-body.ts';
import { isOfTheMachine, machineMessage, unavailable } from '../error-replies.ts';

const types: Readonly<Record<number, string>> = {
  400: 'validation_error',
  401: 'authorization_error',
  403: 'permission_error',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'validation_error',
  415: 'validation_error',
  422: 'validation_error',
  500: 'server_error',
};

/** An error in the shape of the platform's own API, which is not that of the models. */
export function platformError(c: AppContext, status: ContentfulStatusCode, message: string): Response {
  const requestId = uuid();
  c.header('x-fal-request-id', requestId);
  const type = types[status] ?? 'server_error';
  const docs_url = 'https://docs.fal.ai/platform-apis/v1/errors';
  return c.json({ error: { type, message, docs_url, request_id: requestId } }, status);
}

/** The reply to whatever was thrown. */
export function platformFailure(c: AppContext, error: unknown, logger: Logger): Response {
  if (error instanceof RefusedBody) return platformError(c, error.status, error.message);
  if (error instanceof SoundstageError && error.kind === 'input') return platformError(c, 400, error.message);
  if (isOfTheMachine(error)) {
    logger.warn('a request could not be taken', { error });
    return unavailable(platformError(c, 503, machineMessage(error)));
  }
  logger.error('a request failed', { error });
  return platformError(c, 500, 'Internal Server Error');
}
