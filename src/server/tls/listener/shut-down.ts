import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** Milliseconds between two looks for connections that have become idle. */
const interval = 50;

/** Connections of a server. */
export interface OpenConnections {
  readonly all: Iterable<Duplex>;
  /** Those that have not sent a byte. */
  readonly silent: Iterable<Duplex>;
}

/**
 * Ends a server: accepts nothing new, lets running exchanges finish for `grace` milliseconds, then closes every
 * connection.
 */
export async function shutDown(server: Server, open: OpenConnections, grace: number): Promise<void> {
  server.prependListener('request', (_request, response) => {
    response.setHeader('Connection', 'close');
  });
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  destroyAll(open.silent);
  const idleTimer = setInterval(() => server.closeIdleConnections(), interval);
  const graceTimer = setTimeout(() => destroyAll(open.all), grace);
  await closed;
  clearInterval(idleTimer);
  clearTimeout(graceTimer);
}

function destroyAll(sockets: Iterable<Duplex>): void {
  for (const socket of sockets) socket.destroy();
}
