import { InlineOutput } from '../../jobs/request/inline-output.ts';
import type { Requests } from '../../jobs/requests.ts';
import type { Bases } from '../addressing/bases.ts';
import { statusEvents } from './status-events.ts';

export interface RunEventsOptions {
  readonly requests: Requests;
  readonly id: string;
  readonly bases: Bases;
  readonly signal: AbortSignal;
}

/** A failed run, told to a caller whose reply has long begun. */
export class RunFailedError extends Error {
  override readonly name = 'RunFailedError';
}

/**
 * How a direct run goes, and as the last event its output. A failure is told by an event with the error's body, after
 * which the stream breaks off: a reader that takes the last event for the output must not take that one.
 */
export async function* runEvents(options: RunEventsOptions): AsyncGenerator<unknown> {
  const { requests, id, bases, signal } = options;
  for await (const event of statusEvents(requests, id, { queueBase: bases.queue, withLogs: true, signal })) {
    if (event.status !== 'COMPLETED') yield event;
  }
  if (signal.aborted) throw new RunFailedError('the run was abandoned');
  const outcome = await requests.outcome(id, bases.cdn);
  if (outcome === undefined) throw new RunFailedError(`request ${id} has no outcome`);
  // A clip that is part of the event is read while the event is written, anything else is there already.
  if (!(outcome.body instanceof InlineOutput)) await requests.replied(id);
  yield outcome.body;
  if (outcome.body instanceof InlineOutput) await requests.replied(id);
  if (outcome.statusCode >= 400) throw new RunFailedError(outcome.error);
}
