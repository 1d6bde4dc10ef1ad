import { errorHeaders } from '../contract/errors.ts';
import type { RequestOutcome } from '../jobs/requests.ts';

/** The reply that carries how a request ended: the output object itself, or the error's own status and body. */
export function outcomeReply(id: string, { statusCode, body, units }: RequestOutcome): Response {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'x-fal-request-id': id,
    'x-fal-billable-units': String(units),
  };
  if (statusCode >= 400) Object.assign(headers, errorHeaders(statusCode, body));
  return new Response(JSON.stringify(body), { status: statusCode, headers });
}
