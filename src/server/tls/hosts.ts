import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { bareHost, isLoopback } from '../addressing/addresses.ts';
import { falHosts } from '../addressing/origins.ts';

/** The platform's names that a certificate of ours carries and that a tunnel may lead to. */
export const platformHosts: readonly string[] = Object.freeze([
  ...Object.keys(falHosts),
  'gateway.fal.ai',
  'ws.fal.run',
]);

export interface Reachability {
  /** Address listened on. */
  readonly host: string;
  /** `SOUNDSTAGE_PUBLIC_URL` */
  readonly publicUrl?: string | undefined;
}

export interface ServedPorts extends Reachability {
  /** Port listened on. */
  readonly port: number;
}

/** What a server's certificate is for. */
export interface CertificateHosts {
  readonly hosts: readonly string[];
  /** Left out where the authority may not vouch for them, rather than have users trust another one. */
  readonly optionalHosts: readonly string[];
}

/**
 * The platform's names and our own. The machine's name is optional: that of a container changes with every container.
 */
export function certificateHosts(place: Reachability): CertificateHosts {
  return Object.freeze({ hosts: [...platformHosts, ...settledHosts(place)], optionalHosts: machineHosts() });
}

/** Names and addresses under which this machine's server is reached. */
function ownHosts(place: Reachability): readonly string[] {
  return [...settledHosts(place), ...machineHosts()];
}

function settledHosts({ host, publicUrl }: Reachability): readonly string[] {
  const named = publicUrl === undefined ? [] : [bareHost(new URL(publicUrl).hostname)];
  const known = ['localhost', bareHost(host), ...named].map((name) => name.toLowerCase());
  const addresses = ['127.0.0.1', '::1', ...known.filter((name) => isCertifiable(name))];
  return [...new Set([...domainNames(known), '*.localhost', ...addresses])];
}

function machineHosts(): readonly string[] {
  return domainNames([hostname().toLowerCase()]);
}

/** Whether `host`, as it appears in a URL or a CONNECT line, is one of `hosts` (addresses, names, `*.` and a name). */
export function isAmong(host: string, hosts: readonly string[]): boolean {
  const name = bareHost(host).toLowerCase();
  return hosts.some((known) => known === name || (known.startsWith('*.') && name.endsWith(known.slice(1))));
}

/**
 * Whether nobody but the operator decides where a name leads: one of this machine, of the settings or of the platform, or
 * no name at all. A page of somebody else can have its own name lead here (DNS rebinding), but not such a one.
 */
export function isTrustedName(host: string, place: Reachability): boolean {
  if (isLoopback(bareHost(host)) || isAmong(host, [...platformHosts, ...settledHosts(place)])) return true;
  return !isLoopback(place.host) && (isIP(bareHost(host)) !== 0 || isAmong(host, machineHosts()));
}

/** Whether a proxy request for this host and port is one for us, arriving at `localAddress`. */
export function isServed(host: string, port: number, server: ServedPorts, localAddress: string | undefined): boolean {
  const isWebPort = port === 80 || port === 443;
  if (isAmong(host, platformHosts)) return isWebPort;
  const isOwn = isAmong(host, ownHosts(server)) || bareHost(host) === localAddress?.replace(/^::ffff:/, '');
  return isOwn && (isWebPort || port === server.port || port === publicPort(server.publicUrl));
}

/** Clients that know only the name of the run host put `queue.` or `ws.` before it. */
function domainNames(hosts: readonly string[]): readonly string[] {
  const names = hosts.filter((host) => isIP(host) === 0 && isDomainName(host));
  return names.flatMap((name) => [name, `queue.${name}`, `ws.${name}`]);
}

/** Machine names may hold what a certificate may not, underscores for one. */
function isDomainName(name: string): boolean {
  return name.length <= 200 && name.split('.').every((label) => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
}

/** Not every address to listen on is one to call: none at all, and those within a zone, mean nothing elsewhere. */
function isCertifiable(address: string): boolean {
  return isIP(address) !== 0 && !/^(?:0\.0\.0\.0|[0:]+)$|%/.test(address);
}

function publicPort(publicUrl: string | undefined): number | undefined {
  return publicUrl === undefined ? undefined : Number(new URL(publicUrl).port);
}
