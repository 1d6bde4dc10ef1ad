import type { Duplex } from 'node:stream';

/** What a caller asked a `CONNECT` for: it believes to be talking to this host. */
export interface Tunnel {
  readonly host: string;
  readonly port: number;
}

const tunnels = new WeakMap<Duplex, Tunnel>();

/** The tunnel through which this connection came, if any; `socket` is the one of the request. */
export function tunnelOf(socket: Duplex): Tunnel | undefined {
  return tunnels.get(socket);
}

export function markTunnel(socket: Duplex, tunnel: Tunnel | undefined): void {
  if (tunnel !== undefined) tunnels.set(socket, tunnel);
}

/** Reads `host:port` of a CONNECT line; undefined where it is nothing of the kind. */
export function parseTunnel(authority: string): Tunnel | undefined {
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[^:@/?#[\]\s]+):(\d{1,5})$/i.exec(authority) ?? [];
  return host === undefined ? undefined : Object.freeze({ host: host.toLowerCase(), port: Number(port) });
}
