import type { Requests } from '../../jobs/requests.ts';
import type { Caller } from '../access/authentication.ts';

/**
 * Erases what is kept of a request: input, output, log and the file it made. Only for its owner and for `ADMIN` keys.
 *
 * @returns addresses of the files that are gone; undefined where the caller knows no such request
 */
export async function erasedPayloads(
  requests: Requests,
  caller: Caller,
  id: string,
  fileBase: string,
): Promise<readonly string[] | undefined> {
  const record = await requests.find(id);
  if (record === undefined || (caller.scope !== 'ADMIN' && record.owner !== caller.owner)) return undefined;
  const outcome = await requests.outcome(record.id, fileBase);
  if (!(await requests.erasePayloads(record.id))) return undefined;
  const url = videoUrl(outcome?.body);
  return url?.startsWith(fileBase) ? [url] : [];
}

function videoUrl(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('video' in body)) return undefined;
  const { video } = body;
  if (typeof video !== 'object' || video === null || !('url' in video)) return undefined;
  return typeof video.url === 'string' ? video.url : undefined;
}
