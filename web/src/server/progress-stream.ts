import type { ProgressBody } from '../../../src/server/runs/progress-events.ts';
import { ask, type RequestName, requestPath } from './connection.ts';

/**
 * How far a request is, now and after every change, until it is over, the server ends, or `signal` is aborted.
 *
 * @throws ServerError, OutageError; a stream that breaks off, TypeError
 */
export async function* progressOf(request: RequestName, signal: AbortSignal): AsyncGenerator<ProgressBody> {
  const body = await ask(requestPath(request, 'progress/stream'), async (reply) => reply.body, { signal });
  if (body === null) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) if (event.startsWith('data: ')) yield JSON.parse(event.slice(6)) as ProgressBody;
  }
}
