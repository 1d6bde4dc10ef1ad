import { lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, buildConnector } from 'undici';
import { AddressRefusal } from '../failure-reason.ts';
import { type AddressGuard, addressGuard } from './address-guard.ts';

/** Milliseconds. */
export interface GuardedTimeouts {
  /** Name lookup, connection and TLS together. */
  readonly connect: number;
  /** From the request to the answer's headers. */
  readonly headers: number;
  /** Between two pieces of the body. */
  readonly idle: number;
}

const defaultTimeouts: GuardedTimeouts = Object.freeze({ connect: 10_000, headers: 30_000, idle: 30_000 });

export interface GuardedClientOptions {
  /** Hosts, addresses or networks (CIDR) that may be contacted although they are private; `*` for all. */
  readonly allowPrivateHosts?: readonly string[] | undefined;
  readonly timeouts?: Partial<GuardedTimeouts> | undefined;
  /** Resolves host names; default: the system's. */
  readonly lookup?: LookupFunction | undefined;
}

/** Connections to hosts that callers name. Dispose to close them. */
export interface GuardedClient extends AsyncDisposable {
  readonly agent: Agent;
  readonly timeouts: GuardedTimeouts;
}

/**
 * Opens a client that checks every address at the moment it connects to it: what a name resolved to earlier does not
 * count, so a name that changes its address cannot slip through. Proxies of the environment are not used, because
 * behind one the address could not be checked.
 *
 * @throws SoundstageError `input` for an entry of `allowPrivateHosts` that is none
 */
export function openGuardedClient(options: GuardedClientOptions = {}): GuardedClient {
  const { allowPrivateHosts = [], lookup = systemLookup as LookupFunction } = options;
  const timeouts = Object.freeze({ ...defaultTimeouts, ...options.timeouts });
  const agent = new Agent({
    connect: guardedConnector(addressGuard(allowPrivateHosts), lookup, timeouts.connect),
    headersTimeout: timeouts.headers,
    bodyTimeout: timeouts.idle,
    maxHeaderSize: 16_384,
    allowH2: false,
  });
  return Object.freeze({ agent, timeouts, [Symbol.asyncDispose]: () => agent.destroy() });
}

function guardedConnector(guard: AddressGuard, lookup: LookupFunction, timeout: number): buildConnector.connector {
  const connect = buildConnector({ timeout, allowH2: false, lookup: guardedLookup(guard, lookup) });
  return (options, callback) => {
    const { hostname } = options;
    // Addresses are not looked up.
    if (isIP(hostname) !== 0 && !guard.permits(hostname, hostname)) callback(new AddressRefusal(hostname), null);
    else connect(options, callback);
  };
}

function guardedLookup(guard: AddressGuard, lookup: LookupFunction): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, []);
      const addresses = typeof found === 'string' ? [{ address: found, family: isIP(found) }] : found;
      const permitted = addresses.filter(({ address }) => guard.permits(host, address));
      const [first] = permitted;
      if (first === undefined) callback(new AddressRefusal(host), []);
      else if (options.all) callback(null, permitted);
      else callback(null, first.address, first.family);
    });
  };
}
