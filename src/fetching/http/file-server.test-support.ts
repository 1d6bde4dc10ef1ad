import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** A server on this machine for tests; dispose to end it with all its connections. */
export interface TestServer extends AsyncDisposable {
  readonly port: number;
  /** Without a slash at the end. */
  readonly url: string;
}

export async function serveHttp(listener: RequestListener, address = '127.0.0.1'): Promise<TestServer> {
  return listen(createServer(listener), 'http', address);
}

export async function serveHttps(options: ServerOptions, listener: RequestListener): Promise<TestServer> {
  return listen(createTlsServer(options, listener), 'https', '127.0.0.1');
}

/** Speaks whatever `listener` writes. */
export async function serveTcp(listener: (socket: Socket) => void): Promise<TestServer> {
  return listen(createTcpServer(listener), 'http', '127.0.0.1');
}

/** Writes a piece again and again until the reader goes away. @param onPiece told of each before it is written */
export async function writeEndlessly(response: ServerResponse, piece: Buffer, onPiece = () => {}): Promise<void> {
  const pieces = function* () {
    for (;;) {
      onPiece();
      yield piece;
    }
  };
  await pipeline(Readable.from(pieces()), response).catch(() => {});
}

async function listen(server: Server | TcpServer, scheme: string, address: string): Promise<TestServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, address, resolve));
  const { port } = server.address() as AddressInfo;
  const host = address.includes(':') ? `[${address}]` : address;
  return {
    port,
    url: `${scheme}://${host}:${port}`,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
