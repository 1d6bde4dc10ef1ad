import { errorHeaders } from '../../contract/errors/errors.ts';
import { InlineOutput } from '../../jobs/request/inline-output.ts';
import type { RequestOutcome } from '../../jobs/requests.ts';

/**
 * The reply that carries how a request ended: the output object itself, or the error's own status and body.
 *
 * @param onWritten called once a clip that is part of the reply has been read
 */
export function outcomeReply(
  id: string,
  { statusCode, body, units }: RequestOutcome,
  onWritten: () => Promise<void> = async () => {},
): Response {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'x-fal-request-id': id,
    'x-fal-billable-units': String(units),
  };
  if (statusCode >= 400) Object.assign(headers, errorHeaders(statusCode, body));
  if (!(body instanceof InlineOutput)) return new Response(JSON.stringify(body), { status: statusCode, headers });
  headers['content-length'] = String(body.bytes);
  return new Response(ReadableStream.from(encoded(body, onWritten)), { status: statusCode, headers });
}

async function* encoded(output: InlineOutput, onWritten: () => Promise<void>): AsyncGenerator<Uint8Array> {
  try {
    for await (const text of output.json()) yield Buffer.from(text, 'ascii');
  } finally {
    await onWritten();
  }
}
