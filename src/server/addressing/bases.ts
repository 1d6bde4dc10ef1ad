import { isLoopback, urlHost } from './addresses.ts';
import { originOfHost } from './origins.ts';

/** Absolute URLs, without a trailing slash, under which a caller reaches each part of the server. */
export interface Bases {
  readonly run: string;
  readonly queue: string;
  readonly rest: string;
  readonly cdn: string;
  readonly site: string;
}

/** How a request reached us, as far as it says so itself. */
export interface Arrival {
  readonly url: URL;
  readonly headers: Pick<Headers, 'get'>;
  /** `SOUNDSTAGE_PUBLIC_URL` */
  readonly publicUrl?: string | undefined;
  /** The target of a proxied request. */
  readonly target?: URL | undefined;
  /** Our end of the connection; undefined where there is none. */
  readonly socket?: LocalEnd | undefined;
}

/** Address and port at which a connection arrived. */
export interface LocalEnd {
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}

/**
 * How this caller reaches us. Whoever came by one of the platform's names (a tunnel, an entry in the hosts file) goes on
 * using them, for files only where there is no public URL: links to files are passed on to those who came another way. On
 * the proxy route they are the caller's names for everything but file transfers, which do not pass through it. Everybody
 * else gets the public URL, or the address they named themselves, and a prefix per origin.
 */
export function basesOf(arrival: Arrival): Bases {
  const { url, target, publicUrl } = arrival;
  const direct = directBases(arrival);
  if (target !== undefined && originOfHost(target.hostname) !== undefined) {
    return { ...falBases('https:', ''), cdn: direct.cdn };
  }
  if (originOfHost(url.hostname) === undefined) return direct;
  const named = falBases(url.protocol, url.port);
  return publicUrl === undefined ? named : { ...named, cdn: direct.cdn };
}

/** Base of file URLs for those who do not come this caller's way: receivers of webhooks. */
export function sharedFileBaseOf(arrival: Arrival): string {
  const { cdn } = basesOf(arrival);
  const [host] = localHosts(arrival);
  const isForeign = originOfHost(new URL(cdn).hostname) !== undefined;
  return isForeign && host !== undefined ? `http://${host}/cdn` : cdn;
}

/**
 * Hosts (with port) under which the caller may name files of this server: not only the one by which this request came,
 * because links are passed on from one program to another.
 */
export function ownHostsOf(arrival: Arrival): readonly string[] {
  const named = [arrival.url.host, forwardedRoot(arrival)?.host, publicRoot(arrival)?.host, ...localHosts(arrival)];
  return [...new Set(named.filter((host) => host !== undefined))];
}

/** Hosts (with port) by which this request came, as far as it says so. */
export function namedHostsOf(arrival: Arrival): readonly string[] {
  return [arrival.url.host, forwardedRoot(arrival)?.host].filter((host) => host !== undefined);
}

function directBases(arrival: Arrival): Bases {
  const { url } = arrival;
  const declared = publicRoot(arrival) ?? forwardedRoot(arrival);
  const root = (declared ?? url).host.replace(/^queue\./, '');
  const base = `${(declared ?? url).protocol}//${root}${declared === undefined ? '' : withoutSlash(declared.pathname)}`;
  return Object.freeze({
    run: `${base}/run`,
    queue: declared === undefined && root !== url.host ? `${url.protocol}//${url.host}` : `${base}/queue`,
    rest: `${base}/rest`,
    cdn: `${base}/cdn`,
    site: base,
  });
}

function falBases(protocol: string, port: string): Bases {
  const base = (host: string): string => `${protocol}//${host}${port === '' ? '' : `:${port}`}`;
  return Object.freeze({
    run: base('fal.run'),
    queue: base('queue.fal.run'),
    rest: base('rest.fal.ai'),
    cdn: base('v3.fal.media'),
    site: base('fal.ai'),
  });
}

/** Where the connection itself arrived, with port; on this machine all names that it has for itself. */
function localHosts({ socket: { localAddress, localPort } = {} }: Arrival): readonly string[] {
  if (localAddress === undefined || localPort === undefined) return [];
  const address = localAddress.replace(/^::ffff:/, '');
  const hosts = isLoopback(address) ? ['127.0.0.1', 'localhost', '[::1]'] : [urlHost(address)];
  return hosts.map((host) => `${host}:${localPort}`);
}

function publicRoot({ publicUrl }: Arrival): URL | undefined {
  return publicUrl === undefined ? undefined : new URL(publicUrl);
}

/** The address the caller gave to a reverse proxy in front of us; used for nothing but making URLs. */
function forwardedRoot({ url, headers }: Arrival): URL | undefined {
  const host = firstOf(headers.get('x-forwarded-host'));
  const protocol = firstOf(headers.get('x-forwarded-proto'))?.toLowerCase();
  if (host === undefined && protocol === undefined) return undefined;
  const scheme = protocol === 'http' || protocol === 'https' ? `${protocol}:` : url.protocol;
  const named = host ?? url.host;
  return /^[\w.:[\]-]+$/.test(named) ? (URL.parse(`${scheme}//${named}`) ?? undefined) : undefined;
}

function firstOf(list: string | null): string | undefined {
  const first = list?.split(',', 1)[0]?.trim();
  return first === '' ? undefined : first;
}

function withoutSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}
