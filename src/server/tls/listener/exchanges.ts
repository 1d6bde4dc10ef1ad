import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { replyAndClose } from './raw-reply.ts';

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** What is being asked and answered on a connection. */
export type Exchanges = Pick<WeakMap<Duplex, Exchange>, 'get'>;

export function trackExchanges(server: Server): Exchanges {
  const exchanges = new WeakMap<Duplex, Exchange>();
  server.on('request', (request, response) => {
    const exchange = { request, response };
    exchanges.set(request.socket, exchange);
    response.once('close', () => {
      if (exchanges.get(request.socket) === exchange) exchanges.delete(request.socket);
    });
  });
  return exchanges;
}

/**
 * Closes connections on which nothing moves for `limit` milliseconds although it is the other side's turn: a body that
 * does not arrive, a reply that is not read, an idle connection. Waiting for our own reply is no idleness.
 */
export function closeWhenIdle(server: Server, exchanges: Exchanges, limit: number): void {
  server.timeout = limit;
  server.on('timeout', (socket: Socket) => {
    const isOurTurn = exchanges.get(socket)?.request.complete && socket.writableLength === 0;
    if (isOurTurn) socket.setTimeout(limit);
    else socket.destroy();
  });
}

/** Answers what cannot be read as a request, in JSON like everything else. */
export function answerBrokenRequests(
  server: Server,
  exchanges: Exchanges,
  onConnectionError: (error: Error) => void,
): void {
  const answered = new WeakSet<Duplex>();
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (answered.has(socket)) return;
    onConnectionError(error);
    const reply = brokenRequestReply(error.code ?? '');
    if (reply === undefined || exchanges.get(socket)?.response.headersSent) {
      socket.destroy();
      return;
    }
    answered.add(socket);
    replyAndClose(socket, ...reply);
  });
}

function brokenRequestReply(code: string): readonly [number, string] | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return [431, 'The headers of the request are too large.'];
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return [413, 'The body of the request has too many chunk extensions.'];
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return [408, 'The request was not complete in time.'];
  return code.startsWith('HPE_') ? [400, 'The request is not valid HTTP/1.1.'] : undefined;
}
