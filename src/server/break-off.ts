import type { AppContext } from './app-env.ts';
import type { Log } from './log.ts';
import { RunFailedError } from './run-events.ts';

/** Ends the connection of a reply that cannot go on, once what was written has been sent. */
export function breakOff(c: AppContext, log: Log): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof RunFailedError)) log.error('a stream of events failed', { error });
    c.env.outgoing?.socket?.destroySoon();
  };
}
