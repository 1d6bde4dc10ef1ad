import type { IncomingMessage, RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { isServed, type ServedPorts } from '../hosts.ts';
import { resolveAbsoluteForm } from './absolute-form.ts';
import { replyAndClose } from './raw-reply.ts';
import { parseTunnel, type Tunnel, tunnelOf } from './tunnel.ts';

/** Hands on ordinary requests, and those meant for a proxy if the host they name is served here. */
export function withAbsoluteForm(handler: RequestListener, server: () => ServedPorts): RequestListener {
  return (request, response) => {
    const target = resolveAbsoluteForm(request);
    if (target === undefined || isServed(target.hostname, portOf(target), server(), request.socket.localAddress)) {
      handler(request, response);
      return;
    }
    request.resume();
    replyAndClose(request.socket, 403, refusal(target.host));
  };
}

/** Answers `CONNECT`: `accept` goes on with the connection inside the tunnel. */
export function answerConnect(
  server: () => ServedPorts,
  accept: (socket: Duplex, tunnel: Tunnel) => void,
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  return (request, socket, head) => {
    const { url = '' } = request;
    const tunnel = parseTunnel(url);
    const { localAddress }: Socket = request.socket;
    const isNested = tunnelOf(socket) !== undefined;
    if (tunnel === undefined || isNested || !isServed(tunnel.host, tunnel.port, server(), localAddress)) {
      replyAndClose(socket, 403, refusal(url));
      return;
    }
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    if (head.length > 0) socket.unshift(head);
    accept(socket, tunnel);
  };
}

function refusal(target: string): string {
  return `This server is a proxy for its own hosts only, not for ${target}; exclude that host with NO_PROXY.`;
}

function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port);
  return protocol === 'https:' ? 443 : 80;
}
