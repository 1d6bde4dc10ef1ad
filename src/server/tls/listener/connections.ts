import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type SecureContext, TLSSocket } from 'node:tls';
import { firstByte } from './first-byte.ts';
import type { OpenConnections } from './shut-down.ts';
import { markTunnel, type Tunnel } from './tunnel.ts';

export interface ConnectionOptions {
  /** Milliseconds until the first byte. */
  readonly limit: number;
  readonly secureContext: () => SecureContext;
  readonly onError: (error: Error) => void;
}

export interface Connections extends OpenConnections {
  /** Serves a connection, or what goes through a tunnel. */
  accept(socket: Duplex, tunnel?: Tunnel): void;
}

/** Makes an http server look at the first byte of each connection and decrypt it where that is called for. */
export function sortConnections(server: Server, { limit, secureContext, onError }: ConnectionOptions): Connections {
  const [serveHttp] = server.listeners('connection');
  if (serveHttp === undefined) throw new Error('http servers no longer listen for connections');
  const [all, silent] = [new Set<Duplex>(), new Set<Duplex>()];
  const accept = (socket: Duplex, tunnel?: Tunnel): void => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
    firstByte(socket, limit, (isTls) => {
      silent.delete(socket);
      const plain = isTls ? decrypted(socket, secureContext()) : socket;
      markTunnel(plain, tunnel);
      serveHttp.call(server, plain);
    });
  };
  server.removeAllListeners('connection').on('connection', (socket) => {
    all.add(socket);
    socket.on('error', onError).once('close', () => all.delete(socket));
    accept(socket);
  });
  return { all, silent, accept };
}

function decrypted(socket: Duplex, secureContext: SecureContext): TLSSocket {
  return new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] });
}
