import type { IncomingMessage } from 'node:http';

/**
 * A request sent to a proxy names its whole URL in the first line. Such a request is made to look as if it had been sent
 * to that host directly.
 *
 * @returns the host named; undefined for an ordinary request
 */
export function resolveAbsoluteForm(request: IncomingMessage): URL | undefined {
  const { url = '' } = request;
  if (!/^https?:\/\//i.test(url)) return undefined;
  const target = URL.parse(url);
  if (target === null) return undefined;
  // The rest of the line is passed on as it stands, as for any other request.
  const rest = url.replace(/^https?:\/\/[^/?#]*/i, '');
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
  const others = pairs(request.rawHeaders).filter(([name]) => name.toLowerCase() !== 'host');
  request.headers.host = target.host;
  request.rawHeaders.splice(0, Infinity, 'Host', target.host, ...others.flat());
  return target;
}

function pairs(rawHeaders: readonly string[]): readonly (readonly [string, string])[] {
  const found: [string, string][] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    found.push([rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '']);
  }
  return found;
}
