import { isDeepStrictEqual } from 'node:util';
import type { RequestStatus } from '../../jobs/request/request-status.ts';
import type { Requests } from '../../jobs/requests.ts';
import { statusBody } from './status-body.ts';

export interface StatusEventsOptions {
  readonly queueBase: string;
  readonly withLogs: boolean;
  readonly signal: AbortSignal;
}

/** The status of a request now and after every change, with the log entries that are new since the last one. */
export async function* statusEvents(
  requests: Pick<Requests, 'watch' | 'logs'>,
  id: string,
  { queueBase, withLogs, signal }: StatusEventsOptions,
): AsyncGenerator<ReturnType<typeof statusBody>> {
  let seen = 0;
  let told: RequestStatus | undefined;
  for await (const status of requests.watch(id, signal)) {
    // How far it is has a stream of its own.
    const news = { ...status, progressRevision: 0 };
    if (isDeepStrictEqual(news, told)) continue;
    told = news;
    const logs = withLogs && status.lastLog > seen ? await requests.logs(id, seen) : [];
    seen = logs.at(-1)?.sequence ?? seen;
    yield statusBody(status, queueBase, withLogs ? logs : null);
  }
}
