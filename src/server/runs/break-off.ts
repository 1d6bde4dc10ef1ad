import type { Logger } from '../../shared/logger.ts';
import type { AppContext } from '../app-env.ts';
import { KeyRevokedError } from './event-stream.ts';
import { RunFailedError } from './run-events.ts';

/** Ends the connection of a reply that cannot go on, once what was written has been sent. */
export function breakOff(c: AppContext, logger: Logger): (error: unknown) => void {
  return (error) => {
    const isExpected = error instanceof RunFailedError || error instanceof KeyRevokedError;
    if (!isExpected) logger.error('a stream of events failed', { error });
    c.env.outgoing?.socket?.destroySoon();
  };
}
