import { isRequestError, modelErrorType, requestErrorTypes } from './error-types.ts';

/**
 * The headers that belong to an error's body, whether it was just made or is read back: whether to retry (in both
 * spellings), and the type of a request-level error. Empty for anything but an error.
 */
export function errorHeaders(status: number, body: unknown): Readonly<Record<string, string>> {
  if (status < 400 || typeof body !== 'object' || body === null) return {};
  const { error_type: requestType, detail }: { readonly error_type?: unknown; readonly detail?: unknown } = body;
  if (isRequestError(requestType)) {
    return {
      ...retryHeaders(requestErrorTypes[requestType].retryable),
      'X-Fal-Error-Type': requestType,
      // With it, clients do not retry a time limit that they set themselves.
      ...(requestType === 'request_timeout' && { 'X-Fal-Request-Timeout-Type': 'user' }),
    };
  }
  const types = Array.isArray(detail) ? detail.map((entry: { readonly type?: unknown }) => entry?.type) : [];
  return retryHeaders(types.length > 0 && types.every((type) => modelErrorType(type).retryable));
}

function retryHeaders(retryable: boolean): Record<string, string> {
  return { 'X-Fal-Needs-Retry': retryable ? '1' : '0', 'X-Fal-Retryable': String(retryable) };
}
