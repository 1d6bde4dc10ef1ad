import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Fault {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Says whether this call, the `count`th of its kind, goes wrong. */
export type FaultPlan = (method: string, path: string, count: number) => Fault | undefined;

export interface FaultFront extends AsyncDisposable {
  readonly url: string;
  /** Calls so far, e.g. `GET /queue/…/status`, without queries. */
  readonly calls: readonly string[];
}

/** A reverse proxy in front of a server that answers some calls itself, the way a failing platform would. */
export async function startFaultFront(server: string, plan: FaultPlan): Promise<FaultFront> {
  const calls: string[] = [];
  const front = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', server);
    const call = `${request.method} ${pathname}`;
    calls.push(call);
    const fault = plan(request.method ?? '', pathname, calls.filter((other) => other === call).length);
    if (fault === undefined) passOn(server, request, response);
    else answer(fault, request, response);
  });
  await once(front.listen(0, '127.0.0.1'), 'listening');
  const { port } = front.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    [Symbol.asyncDispose]: async () => {
      const closed = once(front, 'close');
      front.close();
      front.closeAllConnections();
      await closed;
    },
  };
}

function passOn(server: string, request: IncomingMessage, response: ServerResponse): void {
  const { method, headers, url = '' } = request;
  const upstream = forward(new URL(url, server), { method, headers }, (reply) => {
    response.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(response);
  });
  upstream.on('error', () => response.destroy());
  response.on('close', () => upstream.destroy());
  request.pipe(upstream);
}

function answer({ status, headers, body }: Fault, request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body ?? JSON.stringify({ detail: `fault ${status}` }));
}
