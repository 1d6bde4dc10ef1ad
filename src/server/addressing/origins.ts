import { film } from '../../contract/endpoints/film.ts';
import { publicFileHosts } from '../../files/links/file-url.ts';

/** Which of the hosted platform's hosts a request stands for, or `own` for what only this server has. */
export type Origin = 'run' | 'queue' | 'rest' | 'cdn' | 'site' | 'platform' | 'proxy' | 'own';

/** Where a request goes: the part of the server, and the path there. */
export interface Location {
  readonly origin: Origin;
  /** Begins with a slash; without the prefix that named the origin, and without trailing slashes. */
  readonly path: string;
}

/** The platform's host names and what they stand for. */
export const falHosts: Readonly<Record<string, Origin>> = Object.freeze({
  'fal.run': 'run',
  'queue.fal.run': 'queue',
  'rest.fal.ai': 'rest',
  'rest.alpha.fal.ai': 'rest',
  ...Object.fromEntries(publicFileHosts.map((host) => [host, 'cdn'] as const)),
  'fal.ai': 'site',
  'api.fal.ai': 'platform',
});

/** The origin of a platform host; undefined for any other host. */
export function originOfHost(hostname: string): Origin | undefined {
  return Object.hasOwn(falHosts, hostname) ? falHosts[hostname] : undefined;
}

/**
 * Tells apart what a request is for: by its host where that is one of the platform's, else by the path's prefix, else by
 * what the path itself says. `POST /{id}` is the same on two hosts; without a hint it is a direct run.
 */
export function locate(hostname: string, pathname: string): Location {
  const origin = originOfHost(hostname);
  if (origin !== undefined) return { origin, path: trimmed(origin, pathname) };
  const [, first = ''] = pathname.split('/', 2);
  if (first === filmPrefix) {
    return { origin: 'queue', path: trimmed('queue', `/${film.id}${pathname.slice(first.length + 1)}`) };
  }
  if (isPrefix(first)) {
    // Clients that know only the run host, path included, put `queue.` before it.
    const named = first === 'run' && isQueueHost(hostname) ? 'queue' : first;
    return { origin: named, path: trimmed(named, pathname.slice(first.length + 1)) };
  }
  const path = trimmed('own', pathname);
  const said = saidByPath(path, hostname);
  return { origin: said, path: trimmed(said, pathname) };
}

/** The short address of films, which are our own: `POST /film` is the queue's `POST /soundstage/film`. */
const filmPrefix = 'film';

const prefixes = ['run', 'queue', 'rest', 'cdn'] as const;

function isPrefix(segment: string): segment is (typeof prefixes)[number] {
  return prefixes.some((prefix) => prefix === segment);
}

const patterns: readonly (readonly [RegExp, Origin])[] = [
  [/^(?:\/api)?\/fal\/proxy$/, 'proxy'],
  [/^\/(?:storage|tokens)(?:\/|$)/, 'rest'],
  [/^\/\.well-known\/jwks\.json$/, 'rest'],
  [/^\/requests\/delete_io\//, 'rest'],
  [/^\/files(?:\/|$)/, 'cdn'],
  [/^\/models(?:\/|$)/, 'site'],
  [/^\/api\/openapi(?:\/|$)/, 'site'],
  [/^\/v1\//, 'platform'],
  [/^\/(?:assets|docs)\//, 'own'],
  [/^\/clips\/[^/]+$/, 'own'],
  [/^\/[^/]+\/[^/]+\/(?:.*\/)?requests\/./, 'queue'],
  [/^\/[^/]*$/, 'own'],
];

function saidByPath(path: string, hostname: string): Origin {
  const [, origin] = patterns.find(([pattern]) => pattern.test(path)) ?? [];
  return origin ?? (isQueueHost(hostname) ? 'queue' : 'run');
}

function isQueueHost(hostname: string): boolean {
  return hostname.startsWith('queue.');
}

/** Trailing slashes mean nothing, except in file URLs, where they are part of no name we ever gave. */
function trimmed(origin: Origin, path: string): string {
  if (origin === 'cdn' || !path.endsWith('/')) return path === '' ? '/' : path;
  let end = path.length;
  while (end > 1 && path.charCodeAt(end - 1) === 47) end -= 1;
  return path.slice(0, end);
}
