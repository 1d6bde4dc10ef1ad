import {
  type ErrorReply,
  errorReply,
  type FailedRequest,
  requestError,
  validationReply,
} from '../../contract/errors/errors.ts';
import type { Problem } from '../../contract/errors/problem.ts';
import { systemCode } from '../../shared/system-code.ts';
import type { StoredOutput } from './stored-output.ts';

/** What a clip costs. */
export interface Charge {
  /** Megapixels. */
  readonly units: number;
  /** US dollars. */
  readonly cost: number;
}

/** How a request ended. */
export interface Outcome {
  readonly statusCode: number;
  /** The reply's body, or of a clip its StoredOutput. */
  readonly output: unknown;
  /** Both are set unless it went well. */
  readonly error?: string | undefined;
  readonly errorType?: string | undefined;
  /** Undefined: it costs nothing. */
  readonly charge?: Charge | undefined;
  /** For the request's log. */
  readonly message?: string | undefined;
}

export function successOutcome(output: StoredOutput, charge: Charge | undefined): Outcome {
  return { statusCode: 200, output, charge };
}

export function invalidOutcome(problems: readonly Problem[]): Outcome {
  return failed(validationReply(problems));
}

/** What `error` means for a request. */
export function failureOutcome(error: unknown, request: FailedRequest): Outcome {
  return failed(errorReply(error, request));
}

export function cancelledOutcome(reason: 'client_cancelled' | 'client_disconnected'): Outcome {
  const how =
    reason === 'client_cancelled' ? 'was cancelled by the client' : 'was ended because the client disconnected';
  return failed(requestError(reason, `Request ${how}`));
}

export function timeoutOutcome(): Outcome {
  return failed(requestError('request_timeout', 'Request could not be started within the time limit of its caller'));
}

/** The worker is gone, and the caller wants no other attempt. */
export function interruptedOutcome(): Outcome {
  return failed(requestError('runner_disconnected', 'The worker stopped while it processed the request'));
}

/** Two processes died while they made this request. */
export function unstableOutcome(): Outcome {
  const detail =
    'The process that made this request died, twice, so it is not tried again: ask for a smaller or shorter clip, or give other files';
  return failed(requestError('runner_server_error', detail));
}

/** Disk or device did not suffice for this request, twice, although they are fine without it. */
export function exhaustedOutcome(error: unknown, request: FailedRequest): Outcome {
  if (systemCode(error) === undefined) return failureOutcome(error, request);
  const detail =
    'The disk of the server does not suffice for this request: ask for a smaller or shorter clip, or give smaller files';
  return failed(requestError('runner_server_error', detail));
}

/** The server ended while somebody waited for the reply. */
export function abandonedOutcome(): Outcome {
  return failed(requestError('client_disconnected', 'The server stopped while the client waited'));
}

/** The worker does not know the endpoint, which a server of another version does. */
export function unservedOutcome(endpoint: string): Outcome {
  return failed(requestError('runner_server_error', `Endpoint "${endpoint}" is not served by this worker`));
}

/** What is left of a request whose payloads were erased. */
export function goneReply(): { readonly statusCode: number; readonly body: unknown } {
  return { statusCode: 404, body: { detail: 'The payloads of this request are not kept any more' } };
}

function failed({ status, body, type, message }: ErrorReply): Outcome {
  return {
    statusCode: status,
    output: body,
    error: `Invalid status code: ${status}`,
    errorType: type,
    message,
  };
}
